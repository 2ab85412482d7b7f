import { FrameReader } from './frame-reader.ts'
import { fail } from './order.ts'

/** `{"type":"answer.delta",…,"offset":`, and what comes between the number and the piece. */
const OFFSET_AT =
  '{"type":"answer.delta","chat_id":"00000000-0000-0000-0000-000000000000","message_id":"00000000-0000-0000-0000-000000000000","offset":'
    .length
const CONTENT = ',"content":"'.length
const END = '"}'.length
const DELTA = Buffer.from('{"type":"answer.delta"')
const ZERO = 48
const COMMA = 44

/**
 * The reading side of one live socket that watches one answer, of pieces in ASCII that have all one length. Each delta must
 * go on where the text ends: nothing can be missing or doubled without that being seen.
 */
export class AnswerWatcher {
  /** Deltas so far, and the text's length. */
  frames = 0
  length = 0
  /** Called with every frame that is no delta. */
  onControl: (text: string) => void = () => {}
  onPing: () => void = () => {}
  /** Called with the numbers of the pieces that a delta has brought: from the first up to and without the last. */
  onPieces: (from: number, to: number) => void = () => {}
  readonly #pieceLength: number
  readonly #frames = new FrameReader({
    text: (bytes, start, end) => {
      if (bytes.compare(DELTA, 0, DELTA.length, start, start + DELTA.length) === 0) this.#delta(bytes, start, end)
      else this.onControl(bytes.toString('utf8', start, end))
    },
    ping: () => this.onPing(),
  })

  constructor(pieceLength: number) {
    this.#pieceLength = pieceLength
  }

  receive(chunk: Buffer): number {
    this.#frames.receive(chunk)
    return 0
  }

  #delta(bytes: Buffer, start: number, end: number): void {
    let at = start + OFFSET_AT
    let offset = 0
    for (; bytes[at] !== COMMA; at += 1) offset = offset * 10 + ((bytes[at] ?? 0) - ZERO)
    if (offset !== this.length) fail(`A piece goes to ${offset}, the text ends at ${this.length}.`)
    const from = this.length / this.#pieceLength
    this.length += end - END - at - CONTENT
    this.frames += 1
    this.onPieces(from, this.length / this.#pieceLength)
  }
}
