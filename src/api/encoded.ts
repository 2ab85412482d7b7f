import type { Context, ElysiaCustomStatusResponse } from 'elysia'
import { wholeResponse } from './whole-response.ts'

/**
 * Bytes. A longer answer goes as a stream: Bun 1.4 sends one that is not ready at once, and does not fit its buffer of
 * 16 KiB, with a system call for each of some 50 parts of its head, which takes longer than all the rest
 * (https://github.com/oven-sh/bun/pull/41341 mends it). In front of a stream the head goes whole.
 */
const WHOLE_MAX = 15_000

/**
 * Answers with JSON text that is there already: decoding it only to validate and encode it again would cost more than all
 * the rest of the call. `Body` is what the text holds; the text comes from what the contract encoded before.
 */
export function encoded<Status extends 200 | 201, Body>(
  set: Context['set'],
  status: Status,
  json: string,
): ElysiaCustomStatusResponse<Status, Body> {
  const headers = { 'content-type': 'application/json;charset=utf-8' }
  return wholeResponse(set, fitsWhole(json) ? json : streamOf(json), { status, headers })
}

/** Most need not be counted: a character has at most three bytes. */
function fitsWhole(text: string): boolean {
  return text.length * 3 <= WHOLE_MAX || Buffer.byteLength(text) <= WHOLE_MAX
}

function streamOf(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(stream) {
      stream.enqueue(Buffer.from(text))
      stream.close()
    },
  })
}
