import { z } from 'zod'
import { EventPage } from '../../../src/contract/chat-calls.ts'
import { Chat } from '../../../src/contract/chats.ts'
import type { Deployment } from './deployment.ts'

/** What one request may take, with the server alive or not. */
const REQUEST_MS = 10_000
/** Before a request that was answered with 503 is made again. */
const PAUSE_MS = 20

const Registered = z.object({ access_token: z.string(), user: z.object({ id: z.string() }) })

export class Answered extends Error {
  readonly status: number

  constructor(path: string, status: number, body: unknown) {
    super(`${path}: ${status} ${JSON.stringify(body)}`)
    this.status = status
  }
}

export type Asked = { path: string; body?: object | undefined; method?: string; address?: Promise<string> }

/** An account that asks until it is answered. */
export class Client {
  readonly deployment: Deployment
  readonly headers: Readonly<Record<string, string>>
  /** What one request took at most that was answered, in milliseconds. */
  longestMs = 0

  private constructor(deployment: Deployment, headers: Record<string, string> = {}) {
    this.deployment = deployment
    this.headers = headers
  }

  /** A back end with the service key. */
  static service(deployment: Deployment, key: string): Client {
    return new Client(deployment, { 'x-api-key': key })
  }

  static withToken(deployment: Deployment, token: string): Client {
    return new Client(deployment, { authorization: `Bearer ${token}` })
  }

  static async signUp(deployment: Deployment): Promise<Client> {
    return (await Client.register(deployment)).client
  }

  static async register(deployment: Deployment): Promise<{ client: Client; accountId: string }> {
    const name = `faults-${crypto.randomUUID().slice(0, 18)}`
    const registration = { username: name, email: `${name}@example.com`, password: crypto.randomUUID() }
    const { answer } = await new Client(deployment).ask({ path: '/api/auth/register', body: registration })
    const { access_token, user } = Registered.parse(answer)
    return { client: Client.withToken(deployment, access_token), accountId: user.id }
  }

  /**
   * Asks until an answer comes, whichever process gives it: resolves to its body, and how often it was asked for. 503 is
   * not taken for an answer; any other refusal is thrown as `Answered`.
   */
  async ask(asked: Asked): Promise<{ answer: unknown; tries: number }> {
    for (let tries = 1; ; tries += 1) {
      this.deployment.stop.throwIfAborted()
      const response = await this.once(asked)
      if (response === undefined) continue
      const { status, body } = response
      if (status < 300) return { answer: body, tries }
      if (status !== 503) throw new Answered(asked.path, status, body)
      await Bun.sleep(PAUSE_MS)
    }
  }

  /** Asks once. Resolves to `undefined` where the connection was lost; what takes too long counts as lost. */
  async once({ path, body, method, address }: Asked): Promise<{ status: number; body: unknown } | undefined> {
    const base = await (address ?? this.deployment.address())
    const begun = performance.now()
    try {
      const response = await fetch(`${base}${path}`, {
        headers: { ...this.headers, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(REQUEST_MS),
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    } catch {
      return undefined
    } finally {
      this.longestMs = Math.max(this.longestMs, performance.now() - begun)
    }
  }

  async makeChat(): Promise<string> {
    const { answer } = await this.ask({ path: '/api/chats', body: { title: 'Faults' } })
    return Chat.parse(answer).id
  }

  /** The `seq` of a chat's newest event. */
  async newest(chatId: string): Promise<number> {
    const { answer } = await this.ask({ path: `/api/chats/${chatId}/events?limit=1` })
    return EventPage.parse(answer).last_seq
  }
}
