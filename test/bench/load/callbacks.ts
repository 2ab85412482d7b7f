import type { Socket } from 'bun'
import { fail } from './order.ts'

type Caller = { answered: () => void }

/** The AI service's side of one answer: a connection that has one call back on it at a time, as a service would. */
export class Callbacks {
  readonly #socket: Socket<Caller>
  readonly #head: string
  #busy = false

  private constructor(socket: Socket<Caller>, head: string) {
    this.#socket = socket
    this.#head = head
  }

  static async open(url: string): Promise<Callbacks> {
    const { hostname, port, host, pathname, search } = new URL(url)
    const socket = await Bun.connect<Caller>({
      hostname,
      port: Number(port),
      data: { answered: () => {} },
      socket: {
        data(own, bytes) {
          // Its body is some bytes, which come with its head.
          if (bytes.toString('latin1', 0, 12) !== 'HTTP/1.1 200') fail(`A call back was answered ${bytes.toString()}`)
          own.data.answered()
        },
        error: (_, error) => {
          fail(`A call back failed: ${error.message}`)
        },
      },
    })
    const head = `POST ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`
    return new Callbacks(socket, head)
  }

  get busy(): boolean {
    return this.#busy
  }

  /** `body`: JSON in ASCII. Calls `answered` once it is taken. */
  call(body: string, answered: () => void): void {
    this.#busy = true
    this.#socket.data.answered = () => {
      this.#busy = false
      answered()
    }
    const request = `${this.#head}content-length: ${body.length}\r\n\r\n${body}`
    if (this.#socket.write(request) !== request.length) fail('A call back was not taken whole.')
  }
}
