import type { AgentState, AgentStateChange } from '../../contract/support-desk.ts'
import { isPrivileged, type Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { idOf } from '../chats/access.ts'
import { Refusal } from '../refusal.ts'
import type { AgentRow, SupportDeskStore } from './desk-store.ts'
import type { SupportSignals } from './signals.ts'

/** Who handles sessions, and how many each takes at once. */
export class SupportAgents {
  readonly #store: SupportDeskStore
  readonly #signals: SupportSignals
  /** Of an agent who has none of its own. */
  readonly usualLimit: number

  constructor(store: SupportDeskStore, signals: SupportSignals, usualLimit: number) {
    this.#store = store
    this.#signals = signals
    this.usualLimit = usualLimit
  }

  /** Those that said something of themselves or have sessions. Throws `Refusal('forbidden')`. */
  async list(actor: Participant): Promise<AgentState[]> {
    assertStaff(actor)
    return (await this.#store.agents()).map((row) => this.#state(row))
  }

  /** An agent says it of itself, an admin or a back end of any. Throws `Refusal('forbidden')`. */
  async change(actor: Participant, agentId: string, change: AgentStateChange): Promise<AgentState> {
    assertStaff(actor)
    if (!isPrivileged(actor) && idOf(actor) !== agentId) throw new Refusal('forbidden')
    if (change.available !== undefined || change.session_limit !== undefined) {
      await this.#store.saveAgent(actor, agentId, change)
      this.#signals.agent()
    }
    const row = await this.#store.agent(agentId)
    return this.#state(row ?? { agent_id: agentId, available: null, session_limit: null, sessions: 0 })
  }

  /** Throws `Refusal('agent_full')`. Until the transaction ends, nobody else gives this agent anything. */
  async expectRoom(transaction: Transaction, agentId: string): Promise<AgentRow> {
    const agent = await this.#store.lockAgent(transaction, agentId)
    if (agent.sessions >= (agent.session_limit ?? this.usualLimit)) throw new Refusal('agent_full')
    return agent
  }

  /**
   * For one who is given a session by somebody else. A back end names agents by its own words; others name accounts. Throws
   * `Refusal('agent_missing' | 'agent_unavailable' | 'agent_full')`.
   */
  async expectTaker(transaction: Transaction, actor: Participant, agentId: string): Promise<void> {
    const known = actor.kind === 'service' || (await this.#store.isAgent(transaction, agentId))
    if (!known) throw new Refusal('agent_missing')
    const { available } = await this.expectRoom(transaction, agentId)
    if (available === false) throw new Refusal('agent_unavailable')
  }

  #state({ agent_id, available, session_limit, sessions }: AgentRow): AgentState {
    return { agent_id, available: available ?? true, session_limit: session_limit ?? this.usualLimit, sessions }
  }
}

/** Throws `Refusal('forbidden')` unless the actor handles what is others'. */
export function assertStaff(actor: Participant): void {
  if (isPrivileged(actor) || isAgent(actor)) return
  throw new Refusal('forbidden')
}

export function isAgent(actor: Participant): boolean {
  return actor.kind === 'account' && actor.role === 'agent'
}
