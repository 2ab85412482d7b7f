import { CLOSE_CODES } from '../../src/contract/close-codes.ts'
import { Connection, type Ending, type Socket } from './connection.ts'

export interface SocketOptions {
  /**
   * Tries in a row that get no frame before it ends with `SocketClosed`. Default for a session: 10, which is less than a
   * minute; for `openLive`: without end.
   */
  retries?: number | undefined
  /** Milliseconds to wait before a retry, the first being 0. Default: from a quarter of a second, doubling, to 10 s. */
  delay?: ((retry: number) => number) | undefined
  /** Takes the place of the global `WebSocket`. */
  WebSocket?: (new (url: string) => Socket) | undefined
}

/** The server ended the socket for good, or could not be reached again. */
export class SocketClosed extends Error {
  override readonly name = 'SocketClosed'
  /** See `CLOSE_CODES` of the contract; 1006 when there was no close frame. */
  readonly code: number

  constructor({ code, reason }: Ending) {
    super(reason === '' ? `The socket was closed with ${code}` : reason)
    this.code = code
  }
}

interface Source<Frame> extends SocketOptions {
  /** Asked anew for every try. `undefined` where there is none now: that is a try that failed. */
  address(): Promise<string | undefined>
  /** `undefined` for a frame to pass over; throws for one that is broken. */
  parse(text: string): Frame | undefined
  /** A socket is open. */
  opened?(): void
  /** It is gone. */
  lost?(): void
  /** Whether the frame shows that the server is well: the count of failed tries begins anew. Default: every one does. */
  isGood?(frame: Frame): boolean
  /** Default: what the contract says of the code. */
  isWorthRetrying?(ending: Ending): boolean
}

/** The frames of a socket that comes back by itself. Opened by the first read, and meant for one reader. */
export class Frames<Frame> {
  readonly #source: Source<Frame>
  readonly #stop = new AbortController()
  #connection: Connection | undefined
  /** Tries in a row. */
  #failures = 0

  constructor(source: Source<Frame>) {
    this.#source = source
  }

  get closed(): boolean {
    return this.#stop.signal.aborted
  }

  /** False when no socket is open. */
  send(text: string): boolean {
    return this.#connection?.send(text) ?? false
  }

  /** Gives the present socket up as if it had ended like this. */
  drop(ending: Ending): void {
    this.#connection?.drop(ending)
  }

  close(): void {
    this.#stop.abort()
    this.#connection?.close()
  }

  /** Ends after `close`; throws `SocketClosed` when the socket is gone for good, and whatever its source throws. */
  async *read(): AsyncGenerator<Frame, void, void> {
    const { address, retries = 10, delay = backOff, isWorthRetrying = isToRetry } = this.#source
    const { signal } = this.#stop
    try {
      while (true) {
        const url = await address()
        if (signal.aborted) return
        const ending = url === undefined ? { code: 1006, reason: '' } : yield* this.#through(url)
        if (signal.aborted) return
        if (ending === undefined) continue
        if (!isWorthRetrying(ending) || this.#failures >= retries) throw new SocketClosed(ending)
        await pause(delay(this.#failures), signal)
        this.#failures += 1
        if (signal.aborted) return
      }
    } finally {
      this.close()
    }
  }

  /** What one socket gets; returns how it ended, or nothing where it was closed from here. */
  async *#through(url: string): AsyncGenerator<Frame, Ending | undefined, void> {
    const { WebSocket = globalThis.WebSocket, parse, opened, lost, isGood = () => true } = this.#source
    const connection = new Connection(new WebSocket(url), () => opened?.())
    this.#connection = connection
    for (let text = await connection.next(); text !== undefined; text = await connection.next()) {
      const frame = parse(text)
      if (frame === undefined || isGood(frame)) this.#failures = 0
      if (frame !== undefined) yield frame
    }
    lost?.()
    return connection.ending
  }
}

/** A code that the contract does not know is the network's doing, or a proxy's. */
export function isToRetry({ code }: Ending): boolean {
  return Object.values(CLOSE_CODES).find((known) => known.code === code)?.retry ?? true
}

/** Spread out, so that the clients of a server that restarts do not all come back at once. */
export function backOff(retry: number): number {
  return Math.min(250 * 2 ** retry, 10_000) * (0.5 + Math.random() / 2)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
