import { FAILURES, type Issue, type Reason } from '../contract/failures.ts'

/**
 * The one error that a service or adapter throws on purpose. The edge turns its reason into a status, a tRPC error or a
 * socket's close by the failure table; `cause` goes to the log and never to a client.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly reason: Reason
  /** What is wrong with the input, for the reason `invalid`. */
  readonly issues: readonly Issue[]
  /** What it really is, where the reason only says that nothing is there. Told by APIs that were always open about it. */
  readonly hides: Reason | undefined

  /** What a person reads, where the table's words are not enough. */
  readonly detail: string | undefined
  /** In whole seconds: before that the same call is refused again. */
  readonly retryAfter: number | undefined

  constructor(
    reason: Reason,
    options: { cause?: unknown; issues?: readonly Issue[]; hides?: Reason; retryAfter?: number; detail?: string } = {},
  ) {
    super(options.detail ?? FAILURES[reason].detail, { cause: options.cause })
    this.reason = reason
    this.issues = options.issues ?? []
    this.detail = options.detail
    this.hides = options.hides
    this.retryAfter = options.retryAfter
  }
}
