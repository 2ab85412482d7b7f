import { CLOSE_CODES } from '../../src/contract/close-codes.ts'
import { Connection, type Ending, type Socket } from './connection.ts'

export interface SocketOptions {
  /** Tries in a row that get no frame before it ends with `SocketClosed`. Default 10, which is less than a minute. */
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

/** Frames that may wait for the socket to open. */
const UNSENT_MAX = 100

interface Source<Frame> extends SocketOptions {
  /** Asked anew for every try. */
  address(): Promise<string>
  /** `undefined` for a frame to pass over; throws for one that is broken. */
  parse(text: string): Frame | undefined
}

/** The frames of a socket that comes back by itself. Opened by the first read, and meant for one reader. */
export class Frames<Frame> {
  readonly #source: Source<Frame>
  readonly #stop = new AbortController()
  #connection: Connection | undefined
  #unsent: string[] = []

  constructor(source: Source<Frame>) {
    this.#source = source
  }

  /** Sends now, or once the socket is open. Throws when too much waits for that already, or when it is over. */
  send(text: string): void {
    if (this.#stop.signal.aborted) throw new Error('The socket is closed')
    if (this.#connection?.send(text)) return
    if (this.#unsent.length === UNSENT_MAX) throw new Error(`${UNSENT_MAX} frames wait for the socket to open`)
    this.#unsent.push(text)
  }

  close(): void {
    this.#stop.abort()
    this.#connection?.close()
  }

  /** Ends after `close`; throws `SocketClosed` when the socket is gone for good, and whatever its source throws. */
  async *read(): AsyncGenerator<Frame, void, void> {
    const { address, parse, retries = 10, delay = backOff } = this.#source
    const { signal } = this.#stop
    let failures = 0
    try {
      while (true) {
        const url = await address()
        if (signal.aborted) return
        const connection = this.#open(url)
        for (let text = await connection.next(); text !== undefined; text = await connection.next()) {
          failures = 0
          const frame = parse(text)
          if (frame !== undefined) yield frame
        }
        const { ending } = connection
        if (ending !== undefined) {
          if (!isWorthRetrying(ending) || failures >= retries) throw new SocketClosed(ending)
          await pause(delay(failures), signal)
          failures += 1
        }
        if (signal.aborted) return
      }
    } finally {
      this.close()
    }
  }

  #open(url: string): Connection {
    const { WebSocket = globalThis.WebSocket } = this.#source
    const connection = new Connection(new WebSocket(url), () => {
      for (const text of this.#unsent.splice(0)) connection.send(text)
    })
    this.#connection = connection
    return connection
  }
}

/** A code that the contract does not know is the network's doing, or a proxy's. */
function isWorthRetrying({ code }: Ending): boolean {
  return Object.values(CLOSE_CODES).find((known) => known.code === code)?.retry ?? true
}

/** Spread out, so that the clients of a server that restarts do not all come back at once. */
function backOff(retry: number): number {
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
