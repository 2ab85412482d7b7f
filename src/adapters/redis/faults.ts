import { ErrorReply, MultiErrorReply } from 'redis'
import { Refusal } from '../../domain/refusal.ts'

/** Replies that tell of the server's state, not of a mistake in what it was asked. */
const UNAVAILABLE = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
])

/** How our scripts say that a session is sealed. */
export const SEALED = 'SEALED'

/**
 * What to throw for a failed command. A server that is away, or cannot do it now, is a `Refusal`; any other reply
 * (a script's error, a wrong type, a missing permission) and a `TypeError` are bugs and stay what they are.
 */
export function thrownFor(fault: unknown): unknown {
  const error = errorOf(fault)
  if (error instanceof Refusal || error instanceof TypeError) return error
  if (error instanceof ErrorReply && codeOf(error) === SEALED) return new Refusal('session_promoted')
  if (error instanceof ErrorReply && !UNAVAILABLE.has(codeOf(error))) return error
  return new Refusal('storage_unavailable', { cause: error })
}

/** Of a failed transaction, what its first failed command said. */
export function errorOf(fault: unknown): unknown {
  return fault instanceof MultiErrorReply ? fault.errors().next().value : fault
}

export function codeOf(reply: ErrorReply): string {
  return reply.message.split(' ', 1)[0] ?? ''
}
