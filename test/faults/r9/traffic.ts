import { Message } from '../../../src/contract/chats.ts'
import type { Client } from '../rig/client.ts'
import type { Ledger } from '../rig/ledger.ts'

const WRITERS = 16
const POLL_MS = 5

/** A balancer's view of a server: it asks whether it is ready, and sends no calls once it is not. */
export class Traffic {
  /** What became of the posts. */
  unanswered = 0
  refused = 0
  /** What the readiness was answered with since the signal, in order; 0 where nobody answered. */
  readonly readiness: number[] = []
  readonly #client: Client
  readonly #address: string
  readonly #gone = Promise.withResolvers<void>()
  #ready = true

  constructor(client: Client, address: string) {
    this.#client = client
    this.#address = address
  }

  /** Posts until the server is not ready. Resolves when the last post is settled. */
  async post(chatId: string, ledger: Ledger): Promise<void> {
    const write = async () => {
      for (let number = 1; this.#ready; number += 1) {
        const clientId = crypto.randomUUID()
        const content = `post ${number}`
        const body = { content, client_id: clientId }
        const answer = await this.#once(`/api/chats/${chatId}/messages`, body)
        if (answer === undefined) this.unanswered += 1
        else if (answer.status !== 200) this.refused += 1
        else {
          const { id, position, seq } = Message.parse(answer.body)
          ledger.add({ clientId, id, chatId, position, seq, content })
        }
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, write))
  }

  /** Asks from the signal on, until nobody answers. */
  async askReadiness(): Promise<void> {
    for (let status = 200; status !== 0; ) {
      status = (await this.#once('/health/ready'))?.status ?? 0
      this.readiness.push(status)
      if (status !== 200) {
        this.#ready = false
        this.#gone.resolve()
      }
      await Bun.sleep(POLL_MS)
    }
  }

  /** Resolves once the server is known not to be ready. */
  get notReady(): Promise<void> {
    return this.#gone.promise
  }

  #once(path: string, body?: object) {
    return this.#client.once({ path, body, address: Promise.resolve(this.#address) })
  }
}
