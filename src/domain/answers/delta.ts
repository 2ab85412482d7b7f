import type { AnswerRef } from '../ports.ts'

/** A piece of an answer's text, and where it goes in UTF-16 code units. */
export type AnswerDelta = { messageId: string; answerId: string; offset: number; text: string }

/** The first word of a signal that tells of one: see `LiveChats.signal`. */
export const DELTA = 'd'

/** A signal's text up to the offset; then come the offset, a space, and the piece. */
export function answerDeltaHead({ messageId, answerId }: AnswerRef): string {
  return `${DELTA} ${messageId} ${answerId} `
}

export function answerDelta(answer: AnswerRef, offset: number, text: string): string {
  return `${answerDeltaHead(answer)}${offset} ${text}`
}

/** What a signal tells; `undefined` where it is of another kind. */
export function readDelta(signal: string): AnswerDelta | undefined {
  const found = /^d (\S+) (\S+) (\d+) /.exec(signal)
  if (found === null) return undefined
  const [head, messageId = '', answerId = '', offset] = found
  return { messageId, answerId, offset: Number(offset), text: signal.slice(head.length) }
}
