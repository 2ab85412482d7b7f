import { connect } from 'node:net'
import type { Client } from '../rig/client.ts'

/** A request whose body comes in two parts: what happens between them happens while it is in flight. */
export class SlowPost {
  readonly #socket: ReturnType<typeof connect>
  readonly #rest: string
  /** The status line, or what there was of it. */
  readonly answered: Promise<string>

  constructor(client: Client, address: string, chatId: string) {
    const { hostname, port } = new URL(address)
    const body = JSON.stringify({ content: 'in flight', client_id: crypto.randomUUID() })
    const lines = [
      `POST /api/chats/${chatId}/messages HTTP/1.1`,
      'Host: localhost',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      ...Object.entries(client.headers).map(([name, value]) => `${name}: ${value}`),
    ]
    this.#socket = connect({ host: hostname, port: Number(port) })
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n${body.slice(0, 10)}`)
    this.#rest = body.slice(10)
    this.answered = new Promise((resolve) => {
      let text = ''
      this.#socket.on('data', (bytes: Buffer) => {
        text += bytes.toString()
        if (text.includes('\r\n')) resolve(text.slice(0, text.indexOf('\r\n')))
      })
      this.#socket.on('error', () => {})
      this.#socket.on('close', () => resolve(text))
    })
  }

  finish(): void {
    this.#socket.write(this.#rest)
  }
}
