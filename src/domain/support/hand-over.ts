import type { SupportSession } from '../../contract/support.ts'
import type { Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import type { AnswerService } from '../answers/service.ts'
import type { AnswerFollower, Ending } from '../answers/settlement.ts'
import type { ChatAccess } from '../chats/access.ts'
import { assertMayArrange, assertMaySpeak, type Doors } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { Change, NewEvent } from '../chats/log-store.ts'
import type { ChatRow } from '../chats/rows.ts'
import { Refusal } from '../refusal.ts'
import { asSession, type SupportChanges } from './changes.ts'
import { answered, queued, type SupportRow, sessionOf, stateOf } from './session.ts'
import type { SupportSignals } from './signals.ts'
import type { SupportStore } from './support-store.ts'

type Parts = {
  store: SupportStore
  answers: AnswerService
  access: ChatAccess
  log: ChatLog
  changes: SupportChanges
  signals: SupportSignals
}

const SYSTEM = { kind: 'service' } as const

/** From the AI to people and back. Any chat may be handed over: it is a support session from then on. */
export class SupportHandOver implements AnswerFollower {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Asks for a person: what is being answered is stopped, the session waits, and no more answers are made, all at once.
   * Handed over already, nothing changes. Throws `Refusal('session_missing' | 'session_ended' | 'not_assigned')`.
   */
  async handOver(actor: Participant, id: string): Promise<SupportSession> {
    return this.#silenced(actor, id, async (session, at) => {
      if (session.status === 'ended') throw new Refusal('session_ended')
      return session.handling === 'people' ? session : queued(session, at)
    })
  }

  /** For one who gives the session to a person: where the AI answers, it is stopped first. */
  async takeFromAssistant(actor: Participant, id: string): Promise<void> {
    const session = await this.#parts.store.find(id)
    if (session?.handling === 'assistant') await this.handOver(actor, id)
  }

  /** The same of a chat, which may be no support session yet. Throws `Refusal('chat_missing' | 'session_ended')`. */
  async handOverChat(actor: Participant, id: string): Promise<SupportSession> {
    const { answers } = this.#parts
    return this.#told(
      id,
      answers.silence(actor, id, async (transaction, chat, at) => {
        assertOpen(actor, chat, assertMaySpeak)
        if (chat.handling === 'ended') throw new Refusal('session_ended')
        const { row, events } = await this.#queue(transaction, chat, at)
        return { events, result: sessionOf(row) }
      }),
    )
  }

  /** Says whether an answer that fails asks for a person, by itself. Throws `Refusal('chat_missing' | 'forbidden')`. */
  async allow(actor: Participant, id: string, onFailure: boolean): Promise<SupportSession> {
    const { log, store } = this.#parts
    return this.#told(
      id,
      log.change(actor, id, async (transaction, chat, at): Promise<Change<SupportSession>> => {
        assertOpen(actor, chat, assertMayArrange)
        const known = await store.locked(transaction, id, chat.handling)
        if (known?.hand_over_on_failure === onFailure) return { events: [], result: sessionOf(known) }
        const row = { ...(known ?? newSession(chat, at)), hand_over_on_failure: onFailure, updated_at: at }
        await (known === undefined ? store.insert(transaction, row) : store.save(transaction, row))
        return { events: [{ type: 'support.updated', data: stateOf(row) }], result: sessionOf(row) }
      }),
    )
  }

  /**
   * The AI answers again, first of all what nobody has answered; who has the session lets go of it. Throws
   * `Refusal('no_answerer' | 'session_missing' | …)`.
   */
  async giveBack(
    actor: Participant,
    id: string,
    assertMay: (actor: Participant, chat: Doors) => void,
  ): Promise<SupportSession> {
    const { answers, access, changes } = this.#parts
    await asSession(access.open(actor, id))
    if (!(await asSession(answers.hasAnswerer(id)))) throw new Refusal('no_answerer')
    let isBack = false
    const given = (session: SupportRow) => {
      isBack = session.handling !== 'assistant'
      return answered(session)
    }
    const session = await changes.make(actor, id, given, assertMay)
    if (isBack) await answers.answerLast(id)
    return session
  }

  /** Ends a session, and the answers that are being made in it. Ended again, nothing changes. */
  end(
    actor: Participant,
    id: string,
    decide: (session: SupportRow, at: string) => SupportRow,
  ): Promise<SupportSession> {
    return this.#silenced(actor, id, async (session, at) => decide(session, at))
  }

  // Those below are called with an answer's end.

  async ended(transaction: Transaction, chat: ChatRow, at: string, ending: Ending): Promise<NewEvent[]> {
    if (chat.deleted_at !== null || chat.handling === 'people' || chat.handling === 'ended') return []
    if (ending.person !== true) {
      if (ending.status !== 'failed' || chat.handling === null) return []
      const session = await this.#parts.store.locked(transaction, chat.id, chat.handling)
      if (session?.hand_over_on_failure !== true) return []
    }
    return (await this.#queue(transaction, chat, at)).events
  }

  /** What else was to be answered is stopped after that: nothing new begins any more. */
  told(chatId: string): void {
    const { access, answers, signals } = this.#parts
    access.changed(chatId)
    signals.session(chatId)
    answers.silence(SYSTEM, chatId, async () => ({ events: [], result: undefined })).catch(() => {})
  }

  async #silenced(
    actor: Participant,
    id: string,
    decide: (session: SupportRow, at: string) => Promise<SupportRow>,
  ): Promise<SupportSession> {
    const { answers, store, changes } = this.#parts
    const changed = answers.silence(actor, id, async (transaction, chat, at) => {
      const session = chat.deleted_at === null ? await store.locked(transaction, id, chat.handling) : undefined
      if (session === undefined) throw new Refusal('session_missing')
      assertMaySpeak(actor, chat)
      const { saved, events } = await changes.save(transaction, session, await decide(session, at), at)
      return { events, result: sessionOf(saved) }
    })
    return this.#told(id, asSession(changed))
  }

  /** The chat's session in the queue; made where it has none. */
  async #queue(transaction: Transaction, chat: ChatRow, at: string): Promise<{ row: SupportRow; events: NewEvent[] }> {
    const { store, changes } = this.#parts
    const known = await store.locked(transaction, chat.id, chat.handling)
    if (known?.handling === 'people') return { row: known, events: [] }
    if (known !== undefined) {
      const { saved, events } = await changes.save(transaction, known, queued(known, at), at)
      return { row: saved, events }
    }
    const row = queued(newSession(chat, at), at)
    await store.insert(transaction, row)
    return { row, events: [{ type: 'support.updated', data: stateOf(row) }] }
  }

  async #told<T>(id: string, changed: Promise<T>): Promise<T> {
    try {
      return await changed
    } finally {
      // Also where it failed: a commit whose answer came too late is a commit.
      this.#parts.access.changed(id)
      this.#parts.signals.session(id)
    }
  }
}

/** Of a chat that was none: its owner is the customer. One that belongs to nobody has the customer that it is. */
function newSession(chat: ChatRow, at: string): SupportRow {
  return {
    chat_id: chat.id,
    user_id: chat.owner_id ?? chat.id,
    agent_id: null,
    status: 'active',
    handling: 'assistant',
    metadata: {},
    hand_over_on_failure: false,
    waiting_since: null,
    asked_at: null,
    first_reply_at: null,
    created_at: at,
    updated_at: at,
    ended_at: null,
  }
}

function assertOpen(actor: Participant, chat: ChatRow, assertMay: (actor: Participant, chat: Doors) => void): void {
  assertMay(actor, chat)
  if (chat.deleted_at !== null) throw new Refusal('chat_missing')
}
