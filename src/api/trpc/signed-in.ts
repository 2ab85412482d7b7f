import type { Actor } from '../../domain/accounts/actor.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { presentedIn } from '../plugins/presented.ts'
import { actorOf } from '../plugins/signed-in.ts'
import { procedure } from './init.ts'

/** Gives the procedures made of it `ctx.actor`; who shows no valid token is refused. */
export function signedInProcedure(authenticator: Authenticator) {
  return procedure.use(async ({ ctx, next }) => next({ ctx: { actor: await callerOf(authenticator, ctx) } }))
}

/** A browser's EventSource sends no header of the page's own: there the token comes in tRPC's `connectionParams`. */
export function callerOf(
  authenticator: Authenticator,
  { request, token }: { request: Request; token: string | null },
): Actor | Promise<Actor> {
  if (token === null || request.headers.has('authorization')) return actorOf(authenticator, request)
  return authenticator.authenticate({ ...presentedIn(request), token })
}
