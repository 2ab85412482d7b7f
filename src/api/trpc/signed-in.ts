import type { Config, PublicApi } from '../../config.ts'
import type { Actor, Participant } from '../../domain/accounts/actor.ts'
import type { Authenticator, Identity, Presented } from '../../domain/accounts/authenticator.ts'
import { ANYBODY, ownCaller, PUBLIC_CALLER, type Speaker, showsNothing } from '../plugins/access.ts'
import { presentedIn } from '../plugins/presented.ts'
import { actorOf } from '../plugins/signed-in.ts'
import { procedure } from './init.ts'

/** Gives the procedures made of it `ctx.actor`; who shows no valid token is refused. */
export function signedInProcedure(authenticator: Authenticator) {
  return procedure.use(async ({ ctx, next }) => next({ ctx: { actor: await callerOf(authenticator, ctx) } }))
}

/** The same, and visitors may call them: what they may open is for the services to say. */
export function participatingProcedure(authenticator: Authenticator) {
  return procedure.use(async ({ ctx, next }) =>
    next({ ctx: { actor: (await participantIdentity(authenticator, ctx)).actor } }),
  )
}

/** Gives the procedures made of it `ctx.actor` and `ctx.isAnybody`, as `participantAccess` gives them to routes. */
export function participantProcedure(config: Config, api: PublicApi, authenticator: Authenticator) {
  const open = config.publicApis.has(api)
  return procedure.use(async ({ ctx, next }) => next({ ctx: await speakerOf(open, authenticator, ctx) }))
}

async function speakerOf(open: boolean, authenticator: Authenticator, caller: Caller): Promise<Speaker> {
  if (open && showsNothing(presentedBy(caller))) return ANYBODY
  return { actor: (await participantIdentity(authenticator, caller)).actor, isAnybody: false }
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
export function identityOf(authenticator: Authenticator, caller: Caller): Promise<Identity> {
  return authenticator.identify(presentedBy(caller))
}

/** A visitor's too. */
export function participantIdentity(authenticator: Authenticator, caller: Caller): Promise<Identity<Participant>> {
  return authenticator.identifyAny(presentedBy(caller))
}

function presentedBy({ request, token }: Caller): Presented {
  const presented = presentedIn(request)
  return presented.token === null ? { ...presented, token } : presented
}
