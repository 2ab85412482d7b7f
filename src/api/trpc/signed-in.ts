import type { Config, PublicApi } from '../../config.ts'
import type { Actor } from '../../domain/accounts/actor.ts'
import type { Authenticator, Identity } from '../../domain/accounts/authenticator.ts'
import { ownCaller, PUBLIC_CALLER } from '../plugins/access.ts'
import { presentedIn } from '../plugins/presented.ts'
import { actorOf } from '../plugins/signed-in.ts'
import { procedure } from './init.ts'

/** Gives the procedures made of it `ctx.actor`; who shows no valid token is refused. */
export function signedInProcedure(authenticator: Authenticator) {
  return procedure.use(async ({ ctx, next }) => next({ ctx: { actor: await callerOf(authenticator, ctx) } }))
}

/** Gives the procedures made of it `ctx.owner` and `ctx.actor`, as `access` gives them to routes. */
export function ownedProcedure(config: Config, api: PublicApi, authenticator: Authenticator) {
  const open = config.publicApis.has(api)
  return procedure.use(async ({ ctx, next }) =>
    next({ ctx: open ? PUBLIC_CALLER : ownCaller(await callerOf(authenticator, ctx)) }),
  )
}

/** As much of a call as tells who makes it. */
export type Caller = { request: Request; token: string | null }

/** A browser's EventSource sends no header of the page's own: there the token comes in tRPC's `connectionParams`. */
function callerOf(authenticator: Authenticator, { request, token }: Caller): Actor | Promise<Actor> {
  if (token === null || request.headers.has('authorization')) return actorOf(authenticator, request)
  return authenticator.authenticate({ ...presentedIn(request), token })
}

/** The same, with until when what was shown is good: for what stays open on it. */
export function identityOf(authenticator: Authenticator, { request, token }: Caller): Promise<Identity> {
  const presented = presentedIn(request)
  return authenticator.identify(presented.token === null ? { ...presented, token } : presented)
}
