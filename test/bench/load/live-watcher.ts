import { type DeliveryWatcher, Marks } from './deliveries.ts'
import { fail } from './order.ts'

const ZERO = 48
const COMMA = 44
/** `{"chat_id":"…","seq":` comes before the number; an event is told from any other frame by its third character. */
const SEQ_AT = '{"chat_id":"00000000-0000-0000-0000-000000000000","seq":'.length
const TEXT = 1
const PING = 9
const EVENT = 'c'.charCodeAt(0)

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
  #upgraded = false
  #rest = Buffer.alloc(0)

  constructor(posters: number, index: number) {
    this.#index = index
    this.marks = new Marks(posters)
  }

  /** Returns how many of the events were posted by this socket itself. */
  receive(chunk: Buffer): number {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (!this.#upgraded) {
      const head = bytes.indexOf('\r\n\r\n')
      if (head !== -1) {
        if (!bytes.toString('latin1', 0, head).startsWith('HTTP/1.1 101')) fail(`No upgrade: ${bytes.toString()}`)
        this.#upgraded = true
        bytes = bytes.subarray(head + 4)
      }
    }
    const taken = this.#upgraded ? this.#frames(bytes) : { own: 0, at: 0 }
    this.#rest = Buffer.from(bytes.subarray(taken.at))
    return taken.own
  }

  #frames(bytes: Buffer): { own: number; at: number } {
    let own = 0
    let at = 0
    while (at + 2 <= bytes.length) {
      const size = frameSize(bytes, at)
      if (size === undefined) break
      const { head, length } = size
      const end = at + head + length
      if (end > bytes.length) break
      const kind = (bytes[at] ?? 0) & 0x0f
      const isText = kind === TEXT
      if (kind === PING) this.onPing()
      if (isText && bytes[at + head + 2] === EVENT) {
        own += this.#event(bytes, at + head)
        this.frameBytes = head + length
      } else if (isText) this.onControl(bytes.toString('utf8', at + head, end))
      at = end
    }
    return { own, at }
  }

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
    return this.marks.take(bytes, at) === this.#index ? 1 : 0
  }
}

/** Of a server's frame: its header and its payload; `undefined` while the header has not come whole. */
function frameSize(bytes: Buffer, at: number): { head: number; length: number } | undefined {
  const short = (bytes[at + 1] ?? 0) & 0x7f
  if (short < 126) return { head: 2, length: short }
  if (short === 126) return at + 4 > bytes.length ? undefined : { head: 4, length: bytes.readUInt16BE(at + 2) }
  return at + 10 > bytes.length ? undefined : { head: 10, length: Number(bytes.readBigUInt64BE(at + 2)) }
}
