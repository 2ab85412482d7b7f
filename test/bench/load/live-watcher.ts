import { type DeliveryWatcher, Marks } from './deliveries.ts'
import { FrameReader } from './frame-reader.ts'
import { fail } from './order.ts'

const ZERO = 48
const COMMA = 44
/** `{"chat_id":"…","seq":` comes before the number; an event is told from any other frame by its third character. */
const SEQ_AT = '{"chat_id":"00000000-0000-0000-0000-000000000000","seq":'.length
const EVENT = 'c'.charCodeAt(0)
/** Of a frame that has several events, and between them. */
const BATCH = '['.charCodeAt(0)
const BETWEEN = Buffer.from(',{"chat_id":"')

/**
 * The reading side of one live socket. Of each event it reads the number, which must be the next, and the mark, which must
 * be the poster's next: nothing can be missing, doubled or out of order without that being seen. Nothing is decoded.
 */
export class LiveWatcher implements DeliveryWatcher {
  readonly marks: Marks
  /** Of the last event, with its WebSocket header. */
  frameBytes = 0
  /** Called with every frame that is no event. */
  onControl: (text: string) => void = () => {}
  /** Called with every ping, which has no payload. */
  onPing: () => void = () => {}
  readonly #index: number
  #seq = 0
  /** From the end of the number to the mark. */
  #markAfter = 0
  /** Of the last event of a batch. */
  #length = 0
  /** Events of the last chunk that this socket itself has posted. */
  #own = 0
  readonly #frames = new FrameReader({
    text: (bytes, start, end, size) => {
      if (bytes[start] === BATCH) this.#batch(bytes, start + 1, end)
      else if (bytes[start + 2] === EVENT) {
        this.#event(bytes, start)
        this.frameBytes = size
      } else this.onControl(bytes.toString('utf8', start, end))
    },
    ping: () => this.onPing(),
  })

  constructor(posters: number, index: number) {
    this.#index = index
    this.marks = new Marks(posters)
  }

  /** Returns how many of the events were posted by this socket itself. */
  receive(chunk: Buffer): number {
    this.#own = 0
    this.#frames.receive(chunk)
    return this.#own
  }

  /** Events are as long as the one before, but for a digit now and then: looking for where one ends takes longer. */
  #batch(bytes: Buffer, first: number, end: number): void {
    let start = first
    while (start < end) {
      const content = this.#event(bytes, start)
      let next = start + this.#length
      if (next !== end - 1 && !(bytes[next] === COMMA && bytes[next + 3] === EVENT)) {
        const found = bytes.indexOf(BETWEEN, content)
        next = found === -1 || found > end ? end - 1 : found
        this.#length = next - start
      }
      start = next === end - 1 ? end : next + 1
    }
  }

  /** Returns where its content begins, which is longer than the mark. */
  #event(bytes: Buffer, start: number): number {
    let at = start + SEQ_AT
    let seq = 0
    for (; bytes[at] !== COMMA; at += 1) seq = seq * 10 + ((bytes[at] ?? 0) - ZERO)
    if (this.#seq === 0) {
      const label = '"content":"'
      this.#markAfter = bytes.indexOf(label, at) + label.length - at
    } else if (seq !== this.#seq + 1) fail(`Event ${seq} came, ${this.#seq + 1} was next.`)
    this.#seq = seq
    at += this.#markAfter
    if (this.marks.take(bytes, at) === this.#index) this.#own += 1
    return at
  }
}
