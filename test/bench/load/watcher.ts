import { type DeliveryWatcher, Marks } from './deliveries.ts'
import { fail } from './order.ts'

/**
 * The reading side of one socket. After the answer to the upgrade and the first frame (the session as it was), all events
 * have the same length; of each it reads the mark, and checks that it is the poster's next one. Nothing can be missing,
 * doubled or out of order without that being seen, and no frame is copied or decoded.
 */
export class Watcher implements DeliveryWatcher {
  readonly marks: Marks
  /** Of an event, with its WebSocket header; 0 until the first one. */
  frameBytes = 0
  joined = false
  readonly #index: number
  #opening: Buffer | undefined = Buffer.alloc(0)
  #markAt = 0
  /** The start of an event whose end has not come yet. */
  #part = Buffer.alloc(0)
  #partLength = 0

  constructor(posters: number, index: number) {
    this.#index = index
    this.marks = new Marks(posters)
  }

  /** Returns how many of the events were posted by this socket itself. */
  receive(chunk: Buffer): number {
    if (this.#opening === undefined) return this.#events(chunk)
    this.#opening = Buffer.concat([this.#opening, chunk])
    const rest = this.#afterOpening(this.#opening)
    if (rest === undefined) return 0
    this.joined = true
    if (rest.length === 0) return 0
    this.#learn(rest)
    this.#opening = undefined
    return this.#events(rest)
  }

  /** What follows the first frame; `undefined` while that has not come whole. */
  #afterOpening(bytes: Buffer): Buffer | undefined {
    const head = bytes.indexOf('\r\n\r\n')
    if (head === -1) return undefined
    if (!bytes.toString('latin1', 0, head).startsWith('HTTP/1.1 101')) fail(`No upgrade: ${bytes.toString()}`)
    const frame = bytes.subarray(head + 4)
    const length = frameLength(frame)
    if (length === undefined || frame.length < length) return undefined
    return frame.subarray(length)
  }

  #learn(first: Buffer): void {
    const length = frameLength(first)
    const content = first.indexOf('"content":"')
    // The first event comes alone or with others behind it; a part of it alone would be an odd network.
    if (length === undefined || content === -1) fail('The first event came in parts.')
    this.frameBytes = length
    this.#markAt = content + '"content":"'.length
    this.#part = Buffer.alloc(length)
  }

  #events(chunk: Buffer): number {
    const size = this.frameBytes
    let own = 0
    let at = 0
    if (this.#partLength > 0) {
      at = chunk.copy(this.#part, this.#partLength)
      this.#partLength += at
      if (this.#partLength < size) return 0
      own += this.#event(this.#part, 0)
      this.#partLength = 0
    }
    for (; at + size <= chunk.length; at += size) own += this.#event(chunk, at)
    this.#partLength = chunk.copy(this.#part, 0, at)
    return own
  }

  #event(bytes: Buffer, start: number): number {
    return this.marks.take(bytes, start + this.#markAt) === this.#index ? 1 : 0
  }
}

/** Of a server's frame: its header and its payload. */
function frameLength(frame: Buffer): number | undefined {
  if (frame.length < 10) return undefined
  const length = (frame[1] ?? 0) & 0x7f
  if (length < 126) return 2 + length
  return length === 126 ? 4 + frame.readUInt16BE(2) : 10 + Number(frame.readBigUInt64BE(2))
}
