import { createParser } from 'eventsource-parser'
import { LiveServerFrame } from '../../../src/contract/live.ts'
import type { Client } from '../rig/client.ts'

/** Before a stream that has ended is opened again. */
const BACK_MS = 50

type Options = { client: Client; chatId: string; onFrame(frame: LiveServerFrame): void }

/** One client that reads a chat as Server-Sent Events and comes back, after the last event that it knows, when they end. */
export class StreamReader {
  readonly #options: Options
  readonly #ended = new AbortController()
  #cursor = '0'
  /** How often it opened a stream. */
  opened = 0

  constructor(options: Options) {
    this.#options = options
    void this.#read()
  }

  end(): void {
    this.#ended.abort()
  }

  async #read(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      this.opened += 1
      await this.#readOnce(signal).catch(() => {})
      if (!signal.aborted) await Bun.sleep(BACK_MS)
    }
  }

  async #readOnce(signal: AbortSignal): Promise<void> {
    const { client, chatId, onFrame } = this.#options
    const parser = createParser({
      onEvent: ({ id, data }) => {
        if (id !== undefined) this.#cursor = id
        onFrame(LiveServerFrame.parse(JSON.parse(data)))
      },
    })
    const address = await client.deployment.address()
    const headers = { ...client.headers, accept: 'text/event-stream', 'last-event-id': this.#cursor }
    const answer = await fetch(`${address}/api/chats/${chatId}/events`, { headers, signal })
    const decoder = new TextDecoder()
    for await (const bytes of answer.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }))
  }
}
