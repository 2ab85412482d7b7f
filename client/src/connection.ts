import { Queue } from './queue.ts'

/** As much of a `WebSocket` as is used here; that of browsers, Bun, Node 22 and the package ws are all ones. */
export interface Socket {
  readonly readyState: number
  send(text: string): void
  close(): void
  addEventListener(type: 'open', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: Ending) => void): void
}

/** How a socket ended: `CLOSE_CODES` of the contract has the codes; 1006 when there was no close frame. */
export interface Ending {
  code: number
  reason: string
}

const OPEN = 1

/** Frames that may wait for the reader. Past it the connection is given up: a new one begins with the state as a whole. */
const WAITING_MAX = 1000

/** What one socket receives, in order, to be read at the reader's own pace. */
export class Connection {
  readonly #socket: Socket
  readonly #texts = new Queue<string>()
  #ending: Ending | undefined
  #closed = false

  constructor(socket: Socket, onOpen: () => void) {
    this.#socket = socket
    socket.addEventListener('open', onOpen)
    socket.addEventListener('message', ({ data: text }) => {
      if (this.#closed || this.#ending !== undefined || typeof text !== 'string') return
      this.#texts.push(text)
      if (this.#texts.length > WAITING_MAX) this.close()
    })
    socket.addEventListener('close', ({ code, reason }) => {
      this.#ending ??= { code, reason }
      this.#texts.end()
    })
  }

  /** Not set if the socket is open, or was closed from here. */
  get ending(): Ending | undefined {
    return this.#closed ? undefined : this.#ending
  }

  /** False when the socket is not open. */
  send(text: string): boolean {
    if (this.#ending !== undefined || this.#socket.readyState !== OPEN) return false
    this.#socket.send(text)
    return true
  }

  close(): void {
    this.#closed = true
    this.#leave()
  }

  /** Gives the socket up as if it had ended like this. */
  drop(ending: Ending): void {
    this.#ending ??= ending
    this.#leave()
  }

  /** The next frame; `undefined` when there will be none. */
  next(): Promise<string | undefined> {
    return this.#texts.next()
  }

  #leave(): void {
    this.#texts.clear()
    this.#texts.end()
    this.#socket.close()
  }
}
