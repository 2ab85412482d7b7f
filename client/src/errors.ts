import { z } from 'zod'
import { FAILURES, InvalidBody, type Issue, type Reason } from '../../src/contract/failures.ts'

/** `unreachable`: no answer came. `unknown`: the answer was not this API's, or is of a newer one than this client. */
export type ErrorReason = Reason | 'unreachable' | 'unknown'

const REASONS: ReadonlySet<string> = new Set(Object.keys(FAILURES))

/** A call that did not succeed. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError'
  readonly reason: ErrorReason
  /** The HTTP status; 0 when no answer came. */
  readonly status: number
  /** What was wrong with the input, for the reason `invalid`. */
  readonly issues: readonly Issue[]
  /** The body of the answer. */
  readonly value: unknown

  constructor(status: number, value: unknown, options?: ErrorOptions) {
    const body = Body.safeParse(value).data
    super(status === 0 ? 'The server cannot be reached' : (body?.detail ?? `The server answered ${status}`), options)
    this.reason = status === 0 ? 'unreachable' : (body?.reason ?? 'unknown')
    this.status = status
    this.issues = InvalidBody.safeParse(value).data?.detail ?? []
    this.value = value
  }
}

const Body = z.object({
  detail: z.unknown().transform((detail) => (typeof detail === 'string' ? detail : FAILURES.invalid.detail)),
  reason: z.custom<Reason>((reason) => typeof reason === 'string' && REASONS.has(reason)),
})

type Outcome = { data: unknown; error: null } | { data: null; error: { status: number; value: unknown } }

/** What a call answers; throws `ParleyError` for every error. `const chat = await unwrap(client.api.chats.get())` */
export async function unwrap<O extends Outcome>(call: Promise<O>): Promise<Extract<O, { error: null }>['data']> {
  const { data, error } = await call
  if (error !== null) throw new ParleyError(error.status, error.value)
  return data
}

/** An Eden error that no route's type tells of: Eden gives it as a 503 when there was no answer at all. */
export function undocumented({ status, value }: { status: number; value: unknown }): ParleyError | undefined {
  if (value instanceof Error) return new ParleyError(0, undefined, { cause: value })
  return typeof value === 'object' && value !== null ? undefined : new ParleyError(status, value)
}
