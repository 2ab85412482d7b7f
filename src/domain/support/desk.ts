import type { SupportSession } from '../../contract/support.ts'
import type {
  AgentState,
  AgentStateChange,
  SupportNote,
  SupportQueue,
  SupportStatistics,
  SupportTransfer,
} from '../../contract/support-desk.ts'
import type { Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { idOf } from '../chats/access.ts'
import { assertMaySpeak, type Doors, partOf } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import { isoTime } from '../chats/rows.ts'
import { Refusal } from '../refusal.ts'
import { assertStaff, type SupportAgents } from './agents.ts'
import { asSession, type SupportChanges } from './changes.ts'
import type { NoteRow, SupportDeskStore } from './desk-store.ts'
import type { SupportHandOver } from './hand-over.ts'
import { doorsOf, held, queued, type SupportRow, sessionOf } from './session.ts'
import type { SupportSignals } from './signals.ts'
import type { SupportPage, SupportStore } from './support-store.ts'

type Parts = {
  store: SupportDeskStore
  sessions: SupportStore
  changes: SupportChanges
  agents: SupportAgents
  handOver: SupportHandOver
  signals: SupportSignals
  log: ChatLog
}

/** What agents do: they take sessions from the queue, hand them on, and tell each other what no customer is told. */
export class SupportDesk {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Those that wait longest first. Throws `Refusal('forbidden')`. */
  async queue(actor: Participant, page: SupportPage): Promise<SupportQueue> {
    assertStaff(actor)
    const { waiting, rows } = await this.#parts.store.queue(page)
    const sessions = rows.map((row, index) => ({ ...sessionOf(row), position: page.offset + index + 1 }))
    return { waiting, sessions }
  }

  /**
   * Takes a session that waits. Of several who do so at once one has it; the others are refused with `already_claimed`. Its
   * own once more, nothing changes. Throws also `session_missing`, `session_ended`, `agent_full`, `account_needed`.
   */
  claim(actor: Participant, id: string): Promise<SupportSession> {
    const own = idOf(actor)
    const decide = async (session: SupportRow, { transaction, at }: { transaction: Transaction; at: string }) => {
      if (own === null) throw new Refusal('account_needed')
      if (session.status === 'ended') throw new Refusal('session_ended')
      if (session.agent_id === own && session.handling === 'people') return session
      if (session.waiting_since === null) throw new Refusal('already_claimed')
      await this.#parts.agents.expectRoom(transaction, own)
      return held(session, own, at, 'active')
    }
    // Also where it sees the session no more, since another has claimed it: that is what it is told.
    return this.#parts.changes.make(actor, id, decide, assertStaffOf)
  }

  /** Gives a session to an agent, whoever has it. For who has it, admins and back ends. */
  assign(actor: Participant, id: string, agentId: string): Promise<SupportSession> {
    return this.transfer(actor, id, { agent_id: agentId })
  }

  /**
   * To an agent, or back to the queue. Throws `Refusal('session_missing' | 'forbidden' | 'not_assigned' | 'session_ended' |
   * 'agent_missing' | 'agent_unavailable' | 'agent_full')`.
   */
  async transfer(actor: Participant, id: string, { agent_id, note }: SupportTransfer): Promise<SupportSession> {
    const { agents, changes, handOver, signals } = this.#parts
    const noteId = Bun.randomUUIDv7()
    assertStaff(actor)
    await handOver.takeFromAssistant(actor, id)
    const moved = await changes.make(
      actor,
      id,
      async (session, { transaction, at }) => {
        if (session.status === 'ended') throw new Refusal('session_ended')
        const status = session.waiting_since === null ? 'transferred' : 'active'
        if (note != null) await this.#write(transaction, { actor, id, noteId, content: note, at })
        if (agent_id == null) return session.waiting_since === null ? queued(session, at, status) : session
        if (session.agent_id === agent_id && session.handling === 'people') return session
        await agents.expectTaker(transaction, actor, agent_id)
        return held(session, agent_id, at, status)
      },
      assertHandles,
    )
    if (note != null) signals.note(id, noteId)
    return moved
  }

  /** To the AI, which answers again. Throws also `Refusal('no_answerer')`. */
  giveBack(actor: Participant, id: string): Promise<SupportSession> {
    return this.#parts.handOver.giveBack(actor, id, assertHandles)
  }

  /** For agents alone: kept apart from all that is said. Throws as `transfer` does. */
  async note(actor: Participant, id: string, content: string): Promise<SupportNote> {
    const { log, sessions, signals } = this.#parts
    const noteId = Bun.randomUUIDv7()
    const written = log.change(actor, id, async (transaction, chat, at) => {
      const session = chat.deleted_at === null ? await sessions.locked(transaction, id, chat.handling) : undefined
      if (session === undefined) throw new Refusal('session_missing')
      assertHandles(actor, chat)
      return { events: [], result: await this.#write(transaction, { actor, id, noteId, content, at }) }
    })
    const note = noteOf(await asSession(written))
    signals.note(id, noteId)
    return note
  }

  /** Oldest first. Throws `Refusal('session_missing' | 'forbidden')`. */
  async notes(actor: Participant, id: string, page: SupportPage): Promise<SupportNote[]> {
    assertStaff(actor)
    const session = await this.#parts.sessions.find(id)
    if (session === undefined) throw new Refusal('session_missing')
    assertStaffIn(actor, doorsOf(session))
    return (await this.#parts.store.notes(id, page)).map(noteOf)
  }

  agents(actor: Participant): Promise<AgentState[]> {
    return this.#parts.agents.list(actor)
  }

  changeAgent(actor: Participant, agentId: string, change: AgentStateChange): Promise<AgentState> {
    return this.#parts.agents.change(actor, agentId, change)
  }

  /** Throws `Refusal('forbidden')`. */
  async statistics(actor: Participant, days: number): Promise<SupportStatistics> {
    assertStaff(actor)
    return this.#parts.store.statistics(days)
  }

  async #write(
    transaction: Transaction,
    { actor, id, noteId, content, at }: { actor: Participant; id: string; noteId: string; content: string; at: string },
  ): Promise<NoteRow> {
    const note = { id: noteId, chat_id: id, author_id: idOf(actor), content, created_at: at }
    await this.#parts.store.addNote(transaction, note)
    return note
  }
}

export function noteOf({ chat_id, created_at, ...note }: NoteRow): SupportNote {
  return { ...note, session_id: chat_id, created_at: isoTime(created_at) }
}

/** Whoever handles sessions, but for one in which it is the customer. */
function assertStaffOf(actor: Participant, chat: Doors): void {
  assertStaff(actor)
  const part = partOf(actor, chat)
  if (part === 'owner' || part === 'customer') throw new Refusal('forbidden')
}

/** Throws unless the actor sees the session as one who handles them. */
export function assertStaffIn(actor: Participant, chat: Doors): void {
  if (partOf(actor, chat) === undefined) throw new Refusal('session_missing')
  assertStaffOf(actor, chat)
}

/** Throws unless the session is the actor's to handle. */
function assertHandles(actor: Participant, chat: Doors): void {
  assertStaffIn(actor, chat)
  assertMaySpeak(actor, chat)
}
