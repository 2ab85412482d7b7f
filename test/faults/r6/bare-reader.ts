import { ChatEvent } from '../../../src/contract/events.ts'
import type { Client } from '../rig/client.ts'
import { RawSocket } from '../rig/raw-socket.ts'

/** A watcher of chats on the live socket that can stop reading. */
export class BareReader {
  readonly #socket: RawSocket
  readonly #texts: string[]
  readonly #chats: number
  /** By the server, after it was told that it read on: it was not closed. */
  readonly #answered: Promise<'nothing'>

  private constructor(socket: RawSocket, texts: string[], answered: Promise<'nothing'>, chats: number) {
    this.#socket = socket
    this.#texts = texts
    this.#answered = answered
    this.#chats = chats
  }

  /** Resolves once it watches. */
  static async open(client: Client, chats: readonly string[]): Promise<BareReader> {
    const texts: string[] = []
    const answered = Promise.withResolvers<'nothing'>()
    const watching = Promise.withResolvers<void>()
    const hear = (text: string) => {
      texts.push(text)
      if (text === '{"type":"ack","id":"last"}') watching.resolve()
      if (text === '{"type":"ack","id":"after"}') answered.resolve('nothing')
    }
    const socket = await RawSocket.open(await client.deployment.address(), '/api/live', client.headers, hear)
    socket.send(...chats.map((chat_id, id) => JSON.stringify({ type: 'watch', id: String(id), chat_id })))
    socket.send(JSON.stringify({ type: 'ping', id: 'last' }))
    await watching.promise
    return new BareReader(socket, texts, answered.promise, chats.length)
  }

  /** Takes nothing any more, until the end. */
  pause(): void {
    this.#socket.pause()
  }

  leave(): void {
    this.#socket.destroy()
  }

  /** Reads on to the end, and tells what is wrong with what it got, a line each. */
  async faults(): Promise<string[]> {
    this.#socket.send(JSON.stringify({ type: 'ping', id: 'after' }))
    this.#socket.resume()
    const code = await Promise.race([this.#socket.closed, this.#answered])
    const faults: string[] = []
    if (code !== 4408)
      faults.push(`a paused reader of ${this.#chats} chats was closed with ${code}, after ${this.#texts.length} frames`)
    if (!this.#texts.at(-1)?.startsWith('{"type":"bye","code":4408,')) faults.push('a paused reader got no bye')
    const last = new Map<string, number>()
    for (const text of this.#texts) {
      if (!text.startsWith('{"chat_id"')) continue
      const { chat_id, seq } = ChatEvent.parse(JSON.parse(text))
      const before = last.get(chat_id)
      if (before !== undefined && seq !== before + 1) faults.push(`event ${seq} came after ${before}`)
      last.set(chat_id, seq)
    }
    return faults
  }
}
