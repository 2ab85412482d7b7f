import { Elysia } from 'elysia'
import type { Config, PublicApi } from '../../config.ts'
import type { Actor } from '../../domain/accounts/actor.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { presentedBySocket } from './presented.ts'
import { actorOf, SECURITY } from './signed-in.ts'

/** Who owns what belongs to no account: stored by anybody, on a public API. */
export const NOBODY = ''
/** Who owns what a back end stores with the service key, for no account. */
const SERVICE = 'service'

/**
 * Gives the routes below it the `owner` of what they touch: `''` where the API is public, else the account of the token,
 * without which it refuses.
 */
export function access(config: Config, api: PublicApi, authenticator: Authenticator) {
  const open = config.publicApis.has(api)
  return new Elysia({ name: 'access', seed: api }).derive({ as: 'scoped' }, async ({ request }) => ({
    owner: open ? NOBODY : ownerOf(await actorOf(authenticator, request)),
  }))
}

/** The same for a socket's request. */
export function socketAccess(config: Config, api: PublicApi, authenticator: Authenticator) {
  const open = config.publicApis.has(api)
  return new Elysia({ name: 'socket-access', seed: api }).derive({ as: 'scoped' }, async ({ request }) => ({
    owner: open ? NOBODY : ownerOf(await authenticator.authenticate(presentedBySocket(request))),
  }))
}

/** `SECURITY`, where the API is not public: for the documentation of its routes. */
export function securityOf(config: Config, api: PublicApi) {
  return config.publicApis.has(api) ? [] : SECURITY
}

export function ownerOf(actor: Actor): string {
  return actor.kind === 'account' ? actor.accountId : SERVICE
}
