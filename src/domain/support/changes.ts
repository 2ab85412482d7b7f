import type { SupportSession } from '../../contract/support.ts'
import type { Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { assertMaySpeak, type Doors } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { NewEvent } from '../chats/log-store.ts'
import { Refusal } from '../refusal.ts'
import { type SupportRow, sessionOf, stateOf } from './session.ts'
import type { SupportSignals } from './signals.ts'
import type { SupportStore } from './support-store.ts'

/** Where a change of a session is decided: its chat is locked. */
type Deciding = { transaction: Transaction; at: string }

export type Decide = (session: SupportRow, deciding: Deciding) => SupportRow | Promise<SupportRow>

/** The way of every change of a session that somebody makes: in its chat's log, and told to the desk. */
export class SupportChanges {
  readonly #store: SupportStore
  readonly #log: ChatLog
  readonly #signals: SupportSignals

  constructor(store: SupportStore, log: ChatLog, signals: SupportSignals) {
    this.#store = store
    this.#log = log
    this.#signals = signals
  }

  /**
   * Resolves to the session as it is then; one that `decide` gives back as it was is not changed. Throws what `decide` and
   * `assertMay` throw, and `Refusal('session_missing')`.
   */
  async make(
    actor: Participant,
    id: string,
    decide: Decide,
    assertMay: (actor: Participant, chat: Doors) => void = assertMaySpeak,
  ): Promise<SupportSession> {
    let changed = false
    const made = this.#log.change(actor, id, async (transaction, chat, at) => {
      const session = chat.deleted_at === null ? await this.#store.locked(transaction, id, chat.handling) : undefined
      if (session === undefined) throw new Refusal('session_missing')
      assertMay(actor, chat)
      const { saved, events } = await this.save(transaction, session, await decide(session, { transaction, at }), at)
      changed = events.length > 0
      return { events, result: sessionOf(saved) }
    })
    try {
      return await asSession(made)
    } finally {
      // Also where it failed after that: a commit whose answer came too late is a commit.
      if (changed) this.#signals.session(id)
    }
  }

  /** The change itself, in a change of the session's chat. */
  async save(
    transaction: Transaction,
    before: SupportRow,
    after: SupportRow,
    at: string,
  ): Promise<{ saved: SupportRow; events: NewEvent[] }> {
    if (Bun.deepEquals(after, before)) return { saved: before, events: [] }
    const saved = { ...after, updated_at: at }
    await this.#store.save(transaction, saved)
    return { saved, events: [{ type: 'support.updated', data: stateOf(saved) }] }
  }
}

/** A chat that is not there is a session that is not there. */
export async function asSession<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (fault) {
    if (fault instanceof Refusal && fault.reason === 'chat_missing') throw new Refusal('session_missing')
    throw fault
  }
}
