import type { ServerWebSocket } from 'bun'
import { CLOSE_CODES, type CloseName } from '../../contract/close-codes.ts'

/** Frames that one socket may have waiting, and their length together in UTF-16 code units. Past either it is closed. */
const QUEUED_FRAMES_MAX = 1024
const QUEUED_LENGTH_MAX = 1_048_576

/** One documented way of speaking over a socket. A throw ends the socket by `failed`. */
export interface Dialect {
  /** The socket is open; frames wait until this has resolved. */
  open(connection: Connection): Promise<void>
  /** One text frame, or `undefined` for one that is not text or is too long. The next waits until this has resolved. */
  frame(connection: Connection, text: string | undefined): Promise<void>
  /** Anything `open` or `frame` threw. */
  failed(connection: Connection, error: unknown): void
}

/** The longest frame that is handled, in bytes (UTF-8). */
export const FRAME_MAX = 65_536

/** One socket: what it sends is handled in order, one frame at a time, through a bounded queue. */
export class Connection {
  readonly #dialect: Dialect
  readonly #onClose: (connection: Connection) => void
  #socket: ServerWebSocket<Connection> | undefined
  #queue: (string | undefined)[] = []
  #queuedLength = 0
  #busy = true
  #ended = false

  constructor(dialect: Dialect, onClose: (connection: Connection) => void) {
    this.#dialect = dialect
    this.#onClose = onClose
  }

  /** True once the socket is closing or gone: nothing will be sent any more. */
  get ended(): boolean {
    return this.#ended
  }

  send(text: string): void {
    if (!this.#ended) this.#socket?.send(text)
  }

  subscribe(topic: string): void {
    if (!this.#ended) this.#socket?.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    if (!this.#ended) this.#socket?.unsubscribe(topic)
  }

  end(why: CloseName): void {
    if (this.#ended) return
    this.#ended = true
    this.#queue = []
    const { code, reason } = CLOSE_CODES[why]
    this.#socket?.close(code, reason)
  }

  // The four below are called by Bun, through Elysia's dispatch on `ws.data`.

  open(socket: ServerWebSocket<Connection>): void {
    this.#socket = socket
    void this.#work(this.#dialect.open(this))
  }

  message(_: ServerWebSocket<Connection>, frame: string | Buffer): void {
    if (this.#ended) return
    const text = typeof frame === 'string' && Buffer.byteLength(frame) <= FRAME_MAX ? frame : undefined
    this.#queue.push(text)
    this.#queuedLength += text?.length ?? 0
    if (this.#queue.length > QUEUED_FRAMES_MAX || this.#queuedLength > QUEUED_LENGTH_MAX) return this.end('flooding')
    if (!this.#busy) void this.#work()
  }

  close(): void {
    this.#ended = true
    this.#queue = []
    this.#onClose(this)
  }

  async #work(first?: Promise<void>): Promise<void> {
    this.#busy = true
    try {
      await first
      while (this.#queue.length > 0) {
        const text = this.#queue.shift()
        this.#queuedLength -= text?.length ?? 0
        await this.#dialect.frame(this, text)
      }
    } catch (error) {
      this.#dialect.failed(this, error)
    }
    this.#busy = false
  }
}
