import { SupportSession } from '../../../src/contract/support.ts'
import { AgentState, SupportQueue } from '../../../src/contract/support-desk.ts'
import { LiveReader } from '../rig/live-reader.ts'
import { LIMIT, NOTE, type Speaker } from './people.ts'

/** A session that an agent was given by its own claim: no other agent may have got it by one at the same time. */
export type Claim = { sessionId: string; agentId: string; at: string }

/** An agent who does what agents do, at random. */
export class Agent {
  readonly speaker: Speaker
  readonly claims: Claim[] = []
  readonly readers: LiveReader[] = []
  readonly faults: string[] = []
  notes = 0
  lost = 0

  constructor(speaker: Speaker) {
    this.speaker = speaker
  }

  async round(others: readonly Agent[]): Promise<void> {
    await this.#claim()
    const mine = await this.#mine()
    if (mine.sessions > LIMIT) this.faults.push(`an agent has ${mine.sessions} sessions`)
    const { claims } = this
    const held = claims[Math.floor(Math.random() * claims.length)]?.sessionId
    if (held === undefined) return
    const path = `/api/v1/sessions/${held}`
    await this.speaker.say(held)
    if ((await this.speaker.act(`${path}/notes`, { content: this.#note() })) !== undefined) this.notes += 1
    const chance = Math.random()
    if (chance < 0.2) await this.speaker.act(`${path}/end`)
    else if (chance < 0.45) await this.#transfer(path, others[Math.floor(Math.random() * others.length)])
    else if (chance < 0.6) await this.#transfer(path, undefined)
    for (const reader of this.readers) if (Math.random() < 0.2) reader.drop()
  }

  /** One of the first of the queue, which others try at the same time. */
  async #claim(): Promise<void> {
    const { answer } = await this.speaker.client.ask({ path: '/api/v1/support/queue?limit=3' })
    for (const { id } of SupportQueue.parse(answer).sessions) {
      const taken = await this.speaker.act(`/api/v1/sessions/${id}/claim`)
      if (taken === undefined) {
        this.lost += 1
        continue
      }
      const { updated_at } = SupportSession.parse(taken)
      this.claims.push({ sessionId: id, agentId: this.speaker.id, at: updated_at })
      this.#watch(id)
      return
    }
  }

  async #mine(): Promise<AgentState> {
    const path = `/api/v1/support/agents/${encodeURIComponent(this.speaker.id)}`
    const { answer } = await this.speaker.client.ask({ path, body: {}, method: 'PATCH' })
    return AgentState.parse(answer)
  }

  async #transfer(path: string, to: Agent | undefined): Promise<void> {
    const agent = to === undefined ? {} : { agent_id: to.speaker.id }
    if ((await this.speaker.act(`${path}/transfer`, { ...agent, note: this.#note() })) !== undefined) this.notes += 1
  }

  #note(): string {
    return `${NOTE} ${crypto.randomUUID()}`
  }

  /** Until the session is somebody else's. */
  #watch(chatId: string): void {
    const { client } = this.speaker
    const end = () => reader.end()
    const reader: LiveReader = new LiveReader({
      client,
      chatId,
      after: 0,
      onFrame: ({ type }) => type === 'unwatched' && end(),
      onMissing: end,
    })
    this.readers.push(reader)
  }
}
