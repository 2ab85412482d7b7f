type FaultDetails = { passing?: boolean; retryAfterMs?: number; cause?: unknown }

/** Why an answerer makes no answer, or no more of it. */
export class AnswerFault extends Error {
  override readonly name = 'AnswerFault'
  /** Whether the same request may well be answered in a moment. */
  readonly passing: boolean
  /** Milliseconds after which it may be, where that is known. */
  readonly retryAfterMs: number

  /** `message`: one line that a person may read, with no secret in it. `cause` is for the log. */
  constructor(message: string, { passing = false, retryAfterMs = 0, cause }: FaultDetails = {}) {
    super(message, { cause })
    this.passing = passing
    this.retryAfterMs = retryAfterMs
  }
}
