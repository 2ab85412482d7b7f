/** How answers are made. Times are in milliseconds, lengths in UTF-16 code units. */
export type AnswerLimits = {
  /** The newest of what was said before, as an answerer is given it. */
  historyMessages: number
  historyLength: number
  /** Of what is in the files of those, and of the question. */
  filesLength: number
  /** Until files of the question that are being read are answered without. */
  filesWaitMs: number
  /** What an answer says at most. */
  answerLength: number
  /** Until the first piece, between two pieces, and for the whole. */
  firstMs: number
  betweenMs: number
  wholeMs: number
  /** Runs that fail before anything was shown are tried so often in all. */
  attempts: number
  /** Before the second attempt; twice as long before each one after it. */
  retryMs: number
  /** A producer that is silent for so long is gone. */
  leaseMs: number
  /** How often producers say that they live, and others look for those that don't. */
  beatMs: number
  /** Answers that are made in this process at once. */
  atOnce: number
  /** Answers of one branch that have not ended: of these one is made, and the others wait for it. */
  waiting: number
  /** Who waits for an answer, instead of watching it, waits so long. */
  patienceMs: number
}

export const LIMITS: AnswerLimits = {
  historyMessages: 50,
  historyLength: 32_768,
  filesLength: 32_768,
  filesWaitMs: 20_000,
  answerLength: 131_072,
  firstMs: 60_000,
  betweenMs: 30_000,
  wholeMs: 600_000,
  attempts: 3,
  retryMs: 500,
  leaseMs: 15_000,
  beatMs: 2000,
  atOnce: 256,
  waiting: 100,
  patienceMs: 60_000,
}
