import { Elysia } from 'elysia'
import { type Actor, isPrivileged, type Participant } from '../../domain/accounts/actor.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { Refusal } from '../../domain/refusal.ts'
import { presentedIn } from './presented.ts'

/** The refusals of every route that wants a token and takes a visitor's: for its `failures(…)`. */
export const PARTICIPATING = ['unauthenticated', 'token_invalid', 'storage_unavailable', 'issuer_unavailable'] as const

/** The refusals of every route that wants a token of somebody with an account: for its `failures(…)`. */
export const SIGNED_IN = [...PARTICIPATING, 'not_for_visitors'] as const

/** For the documentation of a plugin's routes, `new Elysia({ detail: { security: SECURITY } })`: either will do. */
export const SECURITY = [{ bearer: [] }, { apiKey: [] }]

/** The same where a visitor's token will do as well. */
export const VISITOR_SECURITY = [...SECURITY, { visitor: [] }]

/** Gives the routes below it `actor`; who shows no valid token is refused. */
export function signedIn(authenticator: Authenticator) {
  return new Elysia({ name: 'signed-in' }).derive({ as: 'scoped' }, async ({ request }) => ({
    actor: await actorOf(authenticator, request),
  }))
}

/** The same, and visitors may call them: what they may open is for the services to say. */
export function participating(authenticator: Authenticator) {
  return new Elysia({ name: 'participating' }).derive({ as: 'scoped' }, async ({ request }) => ({
    actor: await participantOf(authenticator, request),
  }))
}

/** The same for admins and the service key alone. */
export function adminOnly(authenticator: Authenticator) {
  return new Elysia({ name: 'admin-only' }).derive({ as: 'scoped' }, async ({ request }) => {
    const actor = await actorOf(authenticator, request)
    if (!isPrivileged(actor)) throw new Refusal('forbidden')
    return { actor }
  })
}

/** At once for a token that is known, which nearly every one is. */
export function actorOf(authenticator: Authenticator, request: Request): Actor | Promise<Actor> {
  const presented = presentedIn(request)
  const known =
    presented.token === null || presented.onBehalfOf !== null ? undefined : authenticator.known(presented.token)
  return known ?? authenticator.authenticate(presented)
}

export async function participantOf(authenticator: Authenticator, request: Request): Promise<Participant> {
  return (await authenticator.identifyAny(presentedIn(request))).actor
}
