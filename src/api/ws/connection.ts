import type { ServerWebSocket } from 'bun'
import { CLOSE_CODES, type CloseName } from '../../contract/close-codes.ts'
import { FRAME_MAX } from '../../contract/text.ts'
import type { TokenBound } from '../../domain/accounts/holders.ts'

/** Frames that one socket may have waiting, and their length together in UTF-16 code units. Past either it is closed. */
const QUEUED_FRAMES_MAX = 1024
const QUEUED_LENGTH_MAX = 1_048_576
/** Bytes that may wait for a reader that is told of the past: more is not sent before these have gone out. */
const PACED_BYTES = 131_072
/** Bytes that may wait for a reader before what it is told next is put together. */
const BEHIND_BYTES = 16_384
/** Bytes that may wait for a reader of the present. Past it the reader is too slow. Bun holds up to twice as much memory. */
const SLOW_BYTES = 262_144
/** A reader of the past that takes nothing for so long is too slow as well. */
const DRAIN_MS = 15_000
/** What Bun answers where more waits for the reader than `backpressureLimit`, and the frame was not sent. */
const DROPPED = 0

/** One documented way of speaking over a socket. A throw ends the socket by `failed`. */
export interface Dialect {
  /** The socket is open; frames wait until this has resolved. */
  open(connection: Connection): Promise<void>
  /** One text frame, or `undefined` for one that is not text or is too long. The next waits until this has resolved. */
  frame(connection: Connection, text: string | undefined): Promise<void>
  /** Anything `open` or `frame` threw. */
  failed(connection: Connection, error: unknown): void
  /** The socket is gone. Called once, also where it never opened. */
  closed?(connection: Connection): void
  /** A last frame, before the server closes the socket; `undefined` where there is none for this. */
  farewell?(why: CloseName): string | undefined
}

/** Whoever keeps the connections. */
export interface ConnectionKeeper {
  /** The socket is gone. */
  closed(connection: Connection): void
}

/** One socket: what it sends is handled in order, one frame at a time, through a bounded queue. */
export class Connection implements TokenBound {
  readonly #dialect: Dialect
  readonly #keeper: ConnectionKeeper
  #socket: ServerWebSocket<Connection> | undefined
  #queue: (string | undefined)[] = []
  #queuedLength = 0
  #busy = true
  #ended = false
  #drained: PromiseWithResolvers<void> | undefined
  /** Bytes that were waiting when it began to be waited for them; 0 where it is not. */
  #awaited = 0

  constructor(dialect: Dialect, keeper: ConnectionKeeper) {
    this.#dialect = dialect
    this.#keeper = keeper
  }

  /** True once the socket is closing or gone: nothing will be sent any more. */
  get ended(): boolean {
    return this.#ended
  }

  send(text: string): void {
    // Bun ends a socket for which it has dropped a frame, a moment later: nothing may come after the gap.
    if (!this.#ended && this.#socket?.send(text) === DROPPED) this.#stop()
  }

  /** Sends; where much waits for the reader already, returns a promise of when to go on. */
  sendPaced(text: string): Promise<void> | undefined {
    this.send(text)
    const waiting = this.#waiting
    if (waiting <= PACED_BYTES) return undefined
    this.#awaited = waiting
    return this.#drain()
  }

  /** Whether something waits for the reader that it should have by now. */
  get isBehind(): boolean {
    return this.#waiting > BEHIND_BYTES
  }

  /** Closes the socket where its reader does not keep up with the present. */
  keepPace(): void {
    if (this.#waiting > this.#awaited + SLOW_BYTES) this.end('too_slow')
  }

  subscribe(topic: string): void {
    if (!this.#ended) this.#socket?.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    if (!this.#ended) this.#socket?.unsubscribe(topic)
  }

  end(why: CloseName): void {
    if (this.#ended) return
    const farewell = this.#dialect.farewell?.(why)
    if (farewell !== undefined) this.send(farewell)
    this.#stop()
    const { code, reason } = CLOSE_CODES[why]
    this.#socket?.close(code, reason)
  }

  expired(): void {
    this.end('signed_out')
  }

  // Those below are called by Bun, through Elysia's dispatch on `ws.data`.

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

  drain(): void {
    if (this.#waiting < PACED_BYTES) this.#drained?.resolve()
  }

  close(): void {
    this.#stop()
    this.#dialect.closed?.(this)
    this.#keeper.closed(this)
  }

  /** Nothing is sent or handled any more. */
  #stop(): void {
    this.#ended = true
    this.#queue = []
    this.#drained?.resolve()
  }

  /** Bytes that wait for the reader. */
  get #waiting(): number {
    return this.#ended ? 0 : (this.#socket?.getBufferedAmount() ?? 0)
  }

  async #drain(): Promise<void> {
    this.#drained ??= Promise.withResolvers()
    const late = setTimeout(() => this.end('too_slow'), DRAIN_MS)
    await this.#drained.promise
    clearTimeout(late)
    this.#drained = undefined
    this.#awaited = 0
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
      // One that has held frames keeps their room, and most sockets say nothing for long.
      this.#queue = []
    } catch (error) {
      this.#dialect.failed(this, error)
    }
    this.#busy = false
  }
}
