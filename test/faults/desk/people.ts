import { z } from 'zod'
import { SupportMessage, SupportSession } from '../../../src/contract/support.ts'
import { Answered, Client } from '../rig/client.ts'
import type { Deployment } from '../rig/deployment.ts'
import { LiveReader } from '../rig/live-reader.ts'

/** In every note, and in nothing else. */
export const NOTE = 'NOTE-FOR-AGENTS'
export const SERVICE_KEY = 'a-key-of-faults-and-of-nothing-else-at-all'
/** Of each agent. */
export const LIMIT = 6

/** What the server has acknowledged. */
export type Said = { sessionId: string; id: string; clientId: string; content: string }

/** Somebody who posts, and what was acknowledged. */
export class Speaker {
  readonly client: Client
  readonly id: string
  readonly #type: 'user' | 'agent'
  readonly said: Said[] = []

  constructor(client: Client, id: string, type: 'user' | 'agent') {
    this.client = client
    this.id = id
    this.#type = type
  }

  /** Resolves to false where it is refused for what the session is now. */
  async say(sessionId: string): Promise<boolean> {
    const clientId = crypto.randomUUID()
    const content = `${this.#type} says ${clientId}`
    const body = { content, sender_type: this.#type, sender_id: this.id, client_id: clientId }
    const answer = await this.act(`/api/v1/sessions/${sessionId}/messages`, body)
    if (answer === undefined) return false
    this.said.push({ sessionId, id: SupportMessage.parse(answer).id, clientId, content })
    return true
  }

  /** Resolves to `undefined` where it is refused for what the session, or the agent, is now. */
  async act(path: string, body: object = {}): Promise<unknown> {
    try {
      return (await this.client.ask({ path, body })).answer
    } catch (fault) {
      if (fault instanceof Answered && [403, 404, 409].includes(fault.status)) return undefined
      throw fault
    }
  }
}

/** Half of them have an account, half are visitors. */
export async function newCustomer(deployment: Deployment, number: number): Promise<Speaker> {
  if (number % 2 === 0) {
    const { client, accountId } = await Client.register(deployment)
    return new Speaker(client, accountId, 'user')
  }
  const user_id = `customer ${number}/${crypto.randomUUID()}`
  const { answer } = await Client.service(deployment, SERVICE_KEY).ask({ path: '/api/v1/visitors', body: { user_id } })
  const { token } = z.object({ token: z.string() }).parse(answer)
  return new Speaker(Client.withToken(deployment, token), user_id, 'user')
}

export async function newAgent(deployment: Deployment): Promise<Speaker> {
  const { client, accountId } = await Client.register(deployment)
  const back = Client.service(deployment, SERVICE_KEY)
  await back.ask({ path: `/api/admin/accounts/${accountId}`, body: { role: 'agent' }, method: 'PATCH' })
  return new Speaker(client, accountId, 'agent')
}

/** A customer with one session, who watches all of it. */
export class Customer {
  readonly speaker: Speaker
  readonly sessionId: string
  readonly reader: LiveReader
  /** All that its socket was told, as text. */
  readonly told: string[] = []

  private constructor(speaker: Speaker, sessionId: string) {
    this.speaker = speaker
    this.sessionId = sessionId
    const tell = (frame: unknown) => void this.told.push(JSON.stringify(frame))
    const { client } = speaker
    this.reader = new LiveReader({ client, chatId: sessionId, after: 0, onStart: tell, onEvent: tell, onFrame: tell })
  }

  static async open(speaker: Speaker): Promise<Customer> {
    const { answer } = await speaker.client.ask({ path: '/api/v1/sessions', body: { user_id: speaker.id } })
    return new Customer(speaker, SupportSession.parse(answer).id)
  }

  async round(): Promise<void> {
    const { speaker, sessionId, reader } = this
    const chance = Math.random()
    if (!(await speaker.say(sessionId))) await speaker.act(`/api/v1/sessions/${sessionId}/reopen`)
    if (chance < 0.15) await speaker.act(`/api/v1/sessions/${sessionId}/end`)
    if (chance > 0.6) reader.drop()
  }
}
