import { Elysia } from 'elysia'
import type { Config, PublicApi } from '../../config.ts'
import type { Actor, Participant } from '../../domain/accounts/actor.ts'
import type { Authenticator, Presented } from '../../domain/accounts/authenticator.ts'
import { callerAddress } from './caller-address.ts'
import { presentedBySocket, presentedIn } from './presented.ts'
import { actorOf, participantOf, SECURITY, VISITOR_SECURITY } from './signed-in.ts'

/** Who owns what belongs to no account: stored by anybody, on a public API. */
const NOBODY = ''
/** Who owns what a back end stores with the service key, for no account. */
const SERVICE = 'service'

type Caller = { owner: string; actor: Actor }

/** Who writes on a public API: the server itself, for it has let everybody in to what is nobody's. */
const EVERYBODY: Actor = { kind: 'service' }

/**
 * Gives the routes below it the `owner` of what they touch: `''` where the API is public, else the account of the token,
 * without which it refuses; and the `actor` on whose behalf it is changed.
 */
export function access(config: Config, api: PublicApi, authenticator: Authenticator) {
  const plugin = new Elysia({ name: 'access', seed: api })
  // Without a wait where there is nothing to wait for: a promise is a good part of what a hook costs.
  if (config.publicApis.has(api)) return plugin.derive({ as: 'scoped' }, (): Caller => PUBLIC_CALLER)
  return plugin.derive({ as: 'scoped' }, async ({ request }): Promise<Caller> => {
    return ownCaller(await actorOf(authenticator, request))
  })
}

/** The same for a socket's request, with what ends the socket: see `Hub.upgrade`. */
export function socketAccess(config: Config, api: PublicApi, authenticator: Authenticator) {
  const open = config.publicApis.has(api)
  return new Elysia({ name: 'socket-access', seed: api }).derive({ as: 'scoped' }, async ({ request, server }) => {
    const address = callerAddress(request, server, config.trustProxy)
    if (open) return { ...PUBLIC_CALLER, opening: { address } }
    const identity = await authenticator.identify(presentedBySocket(request))
    return { ...ownCaller(identity.actor), opening: { identity, address } }
  })
}

/**
 * Gives the routes below it the `actor` alone, which may be a visitor. Where the API is public, whoever shows nothing is
 * the server (`isAnybody`); what is shown counts, so that a visitor's page has there what it has anywhere.
 */
export function participantAccess(config: Config, api: PublicApi, authenticator: Authenticator) {
  const open = config.publicApis.has(api)
  return new Elysia({ name: 'participant-access', seed: api }).derive(
    { as: 'scoped' },
    async ({ request }): Promise<Speaker> => {
      if (open && showsNothing(presentedIn(request))) return ANYBODY
      return { actor: await participantOf(authenticator, request), isAnybody: false }
    },
  )
}

/** Who takes part, and whether it is anybody at all, as whom a public API lets everybody in to what is its own. */
export type Speaker = { actor: Participant; isAnybody: boolean }

export const ANYBODY: Speaker = { actor: EVERYBODY, isAnybody: true }

export function showsNothing({ token, apiKey }: Presented): boolean {
  return token === null && apiKey === null
}

/** `SECURITY`, where the API is not public: for the documentation of its routes. */
export function securityOf(config: Config, api: PublicApi) {
  return config.publicApis.has(api) ? [] : SECURITY
}

/** The same where a visitor's token will do as well. */
export function participantSecurityOf(config: Config, api: PublicApi) {
  return config.publicApis.has(api) ? [] : VISITOR_SECURITY
}

/** Who calls a public API. */
export const PUBLIC_CALLER: Caller = { owner: NOBODY, actor: EVERYBODY }

export function ownCaller(actor: Actor): Caller {
  return { owner: ownerOf(actor), actor }
}

/** The owner of what is touched in an API by whoever is signed in: it is nobody's where the API is public. */
export function ownerIn(api: PublicApi, config: Config, actor: Actor): string {
  return config.publicApis.has(api) ? NOBODY : ownerOf(actor)
}

function ownerOf(actor: Actor): string {
  return actor.kind === 'account' ? actor.accountId : SERVICE
}
