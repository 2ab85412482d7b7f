import type { SessionSeal, SessionSnapshot } from '../../domain/ports.ts'

/*
 * How a session is kept: as ONE text, so that it expires or is evicted as a whole, and is read by one plain command.
 *
 *   0001784000000000 0000000003 0000000039␞{"id":…}␞{"id":…}␞{"id":…}␞
 *   position         count      start
 *
 * `count` messages are alive, from the byte `start` on; those before were dropped and go away in bulk. The separator is
 * what JSON never holds raw. The header's width is fixed, so that it is renewed in place. Redis and this process hand out
 * one text several times faster than a list of them.
 *
 * Once it is sealed, the space after the position is a `!`, and the last separator is followed by the ids of the chat and
 * the account, and where it was told that the chat is there, by the seq that was told.
 */
const SEPARATOR = '\x1e'
export const HEADER_BYTES = 39

export function snapshotOf(text: string | null): SessionSnapshot {
  if (text === null) return { position: 0, messages: [] }
  // After the last separator is no message: nothing, or the seal.
  const records = text.split(SEPARATOR)
  const snapshot = { position: positionOf(text), messages: records.slice(-1 - countOf(text), -1) }
  const [chatId = '', , seq] = wordsOf(records)
  return seq === undefined ? snapshot : { ...snapshot, promoted: { chatId, seq: Number(seq) } }
}

/** Of the text of a sealed session. */
export function sealOf(text: string): SessionSeal {
  const [chatId = '', accountId = ''] = wordsOf(text.split(SEPARATOR))
  return { chatId, accountId }
}

function wordsOf(records: string[]): string[] {
  return (records.at(-1) ?? '').split(' ')
}

/** What names this very state of a session. */
export function headerOf(text: string): string {
  return text.slice(0, HEADER_BYTES)
}

export function positionOf(header: string): number {
  return Number(header.slice(0, 16))
}

/** 0 for the empty header of a session that is not there. */
export function countOf(header: string): number {
  return Number(header.slice(17, 27))
}
