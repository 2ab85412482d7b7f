type FaultDetails = { passing?: boolean; retryAfterMs?: number; says?: string; cause?: unknown }

/** Why an answerer makes no answer, or no more of it. */
export class AnswerFault extends Error {
  override readonly name = 'AnswerFault'
  /** Whether the same request may well be answered in a moment. */
  readonly passing: boolean
  /** Milliseconds after which it may be, where that is known. */
  readonly retryAfterMs: number
  /** What the message says, where nothing of an answer was shown. */
  readonly says: string | undefined

  /** `message`: one line that a person may read, with no secret in it. `cause` is for the log. */
  constructor(message: string, { passing = false, retryAfterMs = 0, says, cause }: FaultDetails = {}) {
    super(message, { cause })
    this.passing = passing
    this.retryAfterMs = retryAfterMs
    this.says = says
  }
}
