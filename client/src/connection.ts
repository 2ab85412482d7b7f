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
  #waiting: string[] = []
  #ending: Ending | undefined
  #closed = false
  #wake = () => {}

  constructor(socket: Socket, onOpen: () => void) {
    this.#socket = socket
    socket.addEventListener('open', onOpen)
    socket.addEventListener('message', ({ data: text }) => {
      if (this.#closed || typeof text !== 'string') return
      if (this.#waiting.push(text) > WAITING_MAX) this.close()
      this.#wake()
    })
    socket.addEventListener('close', ({ code, reason }) => {
      this.#ending = { code, reason }
      this.#wake()
    })
  }

  /** Not set if the socket is open, or was closed from here. */
  get ending(): Ending | undefined {
    return this.#closed ? undefined : this.#ending
  }

  /** False when the socket is not open. */
  send(text: string): boolean {
    if (this.#socket.readyState !== OPEN) return false
    this.#socket.send(text)
    return true
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
    this.#socket.close()
    this.#wake()
  }

  /** The next frame; `undefined` when there will be none. */
  async next(): Promise<string | undefined> {
    while (this.#waiting.length === 0 && this.#ending === undefined && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#waiting.shift()
  }
}
