import type { SessionSnapshot } from '../../domain/ports.ts'

/*
 * How a session is kept: as ONE text, so that it expires or is evicted as a whole, and is read by one plain command.
 *
 *   0001784000000000 0000000003 0000000039␞{"id":…}␞{"id":…}␞{"id":…}␞
 *   position         count      start
 *
 * `count` messages are alive, from the byte `start` on; those before were dropped and go away in bulk. The separator is
 * what JSON never holds raw. The header's width is fixed, so that it is renewed in place. Redis and this process hand out
 * one text several times faster than a list of them.
 */
const SEPARATOR = '\x1e'
export const HEADER_BYTES = 39

export function snapshotOf(text: string | null): SessionSnapshot {
  if (text === null) return { position: 0, messages: [] }
  // After the last separator is nothing: not a message.
  const records = text.split(SEPARATOR)
  return { position: positionOf(text), messages: records.slice(-1 - countOf(text), -1) }
}

export function positionOf(header: string): number {
  return Number(header.slice(0, 16))
}

/** 0 for the empty header of a session that is not there. */
export function countOf(header: string): number {
  return Number(header.slice(17, 27))
}
