/** A socket whose frames a test takes one by one, in the order of their arrival. */
export class TestSocket {
  readonly #socket: WebSocket
  readonly #frames: unknown[] = []
  readonly #takers: ((frame: unknown) => void)[] = []
  readonly opened: Promise<void>
  readonly closed: Promise<{ code: number; reason: string }>

  constructor(url: string, headers: Record<string, string> = {}) {
    // Bun's own option, which the DOM's type does not know.
    this.#socket = new WebSocket(url, { headers } as unknown as string[])
    this.opened = new Promise((resolve, reject) => {
      this.#socket.addEventListener('open', () => resolve())
      this.#socket.addEventListener('close', () => reject(new Error('The socket was refused.')))
    })
    // A test that waits for the end does not care whether it ever opened.
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
    })
    this.#socket.addEventListener('message', ({ data }) => {
      const frame: unknown = JSON.parse(String(data))
      const taker = this.#takers.shift()
      if (taker) taker(frame)
      else this.#frames.push(frame)
    })
  }

  /** The next frame, as soon as it is there. */
  next(): Promise<unknown> {
    if (this.#frames.length > 0) return Promise.resolve(this.#frames.shift())
    return new Promise((resolve) => this.#takers.push(resolve))
  }

  async take(count: number): Promise<unknown[]> {
    const frames: unknown[] = []
    while (frames.length < count) frames.push(await this.next())
    return frames
  }

  send(frame: string | Uint8Array<ArrayBuffer> | object): void {
    this.#socket.send(typeof frame === 'string' || frame instanceof Uint8Array ? frame : JSON.stringify(frame))
  }

  async close(): Promise<void> {
    this.#socket.close()
    await this.closed
  }
}
