import { fail } from './order.ts'

const TEXT = 1
const PING = 9

export type FrameListener = {
  /** A whole frame of text: its payload goes from `start` to `end`; with its header it has `size` bytes. */
  text(bytes: Buffer, start: number, end: number, size: number): void
  /** It has no payload. */
  ping(): void
}

/** Finds the frames in what a server sends, from its answer to the upgrade on. Nothing is decoded. */
export class FrameReader {
  readonly #listener: FrameListener
  #upgraded = false
  #rest = Buffer.alloc(0)

  constructor(listener: FrameListener) {
    this.#listener = listener
  }

  receive(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (!this.#upgraded) {
      const head = bytes.indexOf('\r\n\r\n')
      if (head !== -1) {
        if (!bytes.toString('latin1', 0, head).startsWith('HTTP/1.1 101')) fail(`No upgrade: ${bytes.toString()}`)
        this.#upgraded = true
        bytes = bytes.subarray(head + 4)
      }
    }
    const taken = this.#upgraded ? this.#frames(bytes) : 0
    this.#rest = Buffer.from(bytes.subarray(taken))
  }

  #frames(bytes: Buffer): number {
    let at = 0
    while (at + 2 <= bytes.length) {
      const size = frameSize(bytes, at)
      if (size === undefined) break
      const end = at + size.head + size.length
      if (end > bytes.length) break
      const kind = (bytes[at] ?? 0) & 0x0f
      if (kind === PING) this.#listener.ping()
      else if (kind === TEXT) this.#listener.text(bytes, at + size.head, end, end - at)
      at = end
    }
    return at
  }
}

/** Of a server's frame: its header and its payload; `undefined` while the header has not come whole. */
function frameSize(bytes: Buffer, at: number): { head: number; length: number } | undefined {
  const short = (bytes[at + 1] ?? 0) & 0x7f
  if (short < 126) return { head: 2, length: short }
  if (short === 126) return at + 4 > bytes.length ? undefined : { head: 4, length: bytes.readUInt16BE(at + 2) }
  return at + 10 > bytes.length ? undefined : { head: 10, length: Number(bytes.readBigUInt64BE(at + 2)) }
}
