import { Elysia } from 'elysia'
import { FAILURES, type Reason } from '../../contract/failures.ts'
import type { Refusal } from '../../domain/refusal.ts'

/** For the routes of an API that was always open about it: what is somebody else's is refused with this reason. */
export function revealing(reason: Reason) {
  return new Elysia({ name: 'revealing', seed: reason }).derive({ as: 'scoped' }, () => ({ reveals: reason }))
}

/** The reason that a route with this `reveals` tells. Most say of what is somebody else's that it is not there. */
export function toldReason(refusal: Refusal, reveals: unknown): Reason {
  return refusal.hides !== undefined && isReason(reveals) ? reveals : refusal.reason
}

function isReason(value: unknown): value is Reason {
  return typeof value === 'string' && value in FAILURES
}
