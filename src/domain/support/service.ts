import type { Message } from '../../contract/chats.ts'
import {
  type NewSupportMessage,
  type NewSupportSession,
  SESSION_MESSAGES_MAX,
  type SupportMessage,
  type SupportSession,
  type SupportSessionChange,
  type SupportSessionWithMessages,
} from '../../contract/support.ts'
import { isPrivileged, type Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import type { AnswerService } from '../answers/service.ts'
import { idOf } from '../chats/access.ts'
import type { ChatService } from '../chats/chats.ts'
import { assertMaySpeak, partOf } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { MessageService } from '../chats/messages.ts'
import { isoTime } from '../chats/rows.ts'
import { Refusal } from '../refusal.ts'
import { ended, held, queued, type SupportRow, sessionOf, stateOf } from './session.ts'
import type { SupportMessageRow, SupportPage, SupportStore } from './support-store.ts'

type Parts = {
  store: SupportStore
  chats: ChatService
  messages: MessageService
  answers: AnswerService
  log: ChatLog
}

/** The title of the chat behind a session: what its customer calls it is in its metadata. */
const TITLE = 'Support'

type Decide = (session: SupportRow, at: string, transaction: Transaction) => SupportRow | Promise<SupportRow>

/** Chats that people handle. A session that is not the actor's to see is one that is not there. */
export class SupportService {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Without an agent it waits in the queue, unless the AI answers. Throws `Refusal('forbidden')`. */
  async create(actor: Participant, draft: NewSupportSession): Promise<SupportSession> {
    const { user_id, metadata, answering = false, hand_over_on_failure = true } = draft
    const agentId = draft.agent_id ?? null
    assertMayFound(actor, user_id, agentId)
    let made: SupportRow | undefined
    await this.#parts.chats.create(
      actor,
      { title: TITLE },
      {
        ownerless: true,
        more: async (transaction, chat, at) => {
          const bare: SupportRow = {
            chat_id: chat.id,
            user_id,
            agent_id: null,
            status: 'active',
            handling: 'assistant',
            metadata: metadata ?? {},
            hand_over_on_failure,
            waiting_since: null,
            asked_at: null,
            first_reply_at: null,
            created_at: at,
            updated_at: at,
            ended_at: null,
          }
          const peopled = agentId === null ? queued(bare, at) : held(bare, agentId, at)
          made = answering ? bare : peopled
          await this.#parts.store.insert(transaction, made)
          return [{ type: 'support.updated', data: stateOf(made) }]
        },
      },
    )
    if (made === undefined) throw new Error('No session was made.')
    return sessionOf(made)
  }

  /** With its first messages. Throws `Refusal('session_missing')`. */
  async read(actor: Participant, id: string): Promise<SupportSessionWithMessages> {
    const session = await this.#open(actor, id)
    const messages = await this.#said(id, { limit: SESSION_MESSAGES_MAX, offset: 0 })
    return { ...sessionOf(session), messages }
  }

  /** A customer's, the newest first. Of others' an agent sees those that it holds and those that wait. */
  async ofUser(
    actor: Participant,
    userId: string,
    page: SupportPage & { activeOnly: boolean },
  ): Promise<SupportSession[]> {
    const own = idOf(actor)
    const seesAll = isPrivileged(actor) || own === userId
    if (!(seesAll || isAgent(actor))) throw new Refusal('forbidden')
    const rows = await this.#parts.store.ofUser(userId, { ...page, agent: seesAll ? null : own })
    return rows.map(sessionOf)
  }

  /**
   * What is not named stays as it is. A customer may end its session and change its metadata; the rest is for who handles
   * it. Throws `Refusal('session_missing' | 'forbidden' | 'not_assigned')`.
   */
  async update(actor: Participant, id: string, change: SupportSessionChange): Promise<SupportSession> {
    const { agent_id, status, metadata } = change
    return this.#change(actor, id, (session, at) => {
      const forHandlers = agent_id != null || (status != null && status !== 'ended')
      if (forHandlers && !handles(actor, session)) throw new Refusal('forbidden')
      let next = metadata == null ? session : { ...session, metadata }
      if (status != null && status !== 'ended' && session.status === 'ended') next = reopened(next, at)
      if (agent_id != null && agent_id !== next.agent_id) next = withAgent(next, agent_id, at)
      return status === 'ended' ? ended(next, at) : { ...next, status: status ?? next.status }
    })
  }

  /** Ended again, nothing changes. */
  end(actor: Participant, id: string): Promise<SupportSession> {
    return this.#change(actor, id, ended)
  }

  /**
   * A customer and an agent write as themselves alone. Where the AI answers, a customer's message is answered. Throws
   * `Refusal('session_missing' | 'session_ended' | 'forbidden' | 'not_assigned')`.
   */
  async post(actor: Participant, id: string, draft: NewSupportMessage): Promise<SupportMessage> {
    const session = await this.#open(actor, id)
    assertSpeaksAs(actor, session, draft)
    if (session.status === 'ended') throw new Refusal('session_ended')
    const { content, sender_type: senderType, sender_id: senderId, metadata, client_id } = draft
    const posted = { content, senderType, senderId, metadata: metadata ?? {}, ...(client_id ? { client_id } : {}) }
    const { answers, messages } = this.#parts
    const isAnswered = session.handling === 'assistant' && senderType === 'user'
    return told(
      await asSession(
        isAnswered
          ? answers.postNumbered(actor, id, posted).then(({ message }) => message)
          : messages.append(actor, id, posted),
      ),
    )
  }

  /** What is not deleted, oldest first. */
  async messages(actor: Participant, id: string, page: SupportPage): Promise<SupportMessage[]> {
    await this.#open(actor, id)
    return this.#said(id, page)
  }

  /** Its content leaves every read; again, nothing changes. Throws `Refusal('message_missing' | 'not_yours')`. */
  async remove(actor: Participant, messageId: string): Promise<SupportMessage> {
    const id = await this.#parts.store.sessionOf(messageId)
    if (id === undefined) throw new Refusal('message_missing')
    try {
      await this.#open(actor, id)
      return told(await this.#parts.messages.remove(actor, id, messageId))
    } catch (fault) {
      throw isRefusal(fault, 'session_missing', 'chat_missing') ? new Refusal('message_missing') : fault
    }
  }

  async #open(actor: Participant, id: string): Promise<SupportRow> {
    const session = await this.#parts.store.find(id)
    if (session === undefined || partOf(actor, doorsOf(session)) === undefined) throw new Refusal('session_missing')
    return session
  }

  async #said(id: string, page: SupportPage): Promise<SupportMessage[]> {
    return (await this.#parts.store.messages(id, page)).map((row) => messageOf(id, row))
  }

  /** A change of a session by somebody who takes part in it; one that changes nothing is none. */
  #change(actor: Participant, id: string, decide: Decide): Promise<SupportSession> {
    const { log, store } = this.#parts
    const changed = log.change(actor, id, async (transaction, chat, at) => {
      const session = chat.deleted_at === null ? await store.locked(transaction, id, chat.handling) : undefined
      if (session === undefined) throw new Refusal('session_missing')
      assertMaySpeak(actor, chat)
      const next = await decide(session, at, transaction)
      if (Bun.deepEquals(next, session)) return { events: [], result: sessionOf(session) }
      const saved = { ...next, updated_at: at }
      await store.save(transaction, saved)
      return { events: [{ type: 'support.updated', data: stateOf(saved) }], result: sessionOf(saved) }
    })
    return asSession(changed)
  }
}

function messageOf(session_id: string, row: SupportMessageRow): SupportMessage {
  const { id, content, sender_type, sender_id, metadata, created_at } = row
  const said = { id, session_id, content, sender_type, sender_id: sender_id ?? sender_type }
  return { ...said, created_at: isoTime(created_at), is_deleted: false, metadata }
}

function told({ id, chat_id, content, sender_type, sender_id, created_at, deleted_at, metadata }: Message) {
  const said = { id, session_id: chat_id, content, sender_type, sender_id: sender_id ?? sender_type }
  return { ...said, created_at, is_deleted: deleted_at !== null, metadata }
}

function doorsOf({ user_id, agent_id, handling }: SupportRow) {
  // Its chat's owner, where it has one, is its customer.
  return { owner_id: null, customer_id: user_id, agent_id, handling }
}

/** Whether the actor is no customer there. */
function handles(actor: Participant, session: SupportRow): boolean {
  const part = partOf(actor, doorsOf(session))
  return part === 'agent' || part === 'privileged'
}

function withAgent(session: SupportRow, agentId: string, at: string): SupportRow {
  return session.status === 'ended' ? { ...session, agent_id: agentId } : held(session, agentId, at)
}

/** Goes on with the agent that it had, or waits. */
function reopened(session: SupportRow, at: string): SupportRow {
  return session.agent_id === null ? queued(session, at) : held(session, session.agent_id, at)
}

/** A customer opens its own sessions, for whoever takes them; an agent any, for itself or for the queue. */
function assertMayFound(actor: Participant, userId: string, agentId: string | null): void {
  if (isPrivileged(actor)) return
  const own = idOf(actor)
  if (isAgent(actor) ? agentId === null || agentId === own : agentId === null && userId === own) return
  throw new Refusal('forbidden')
}

function assertSpeaksAs(
  actor: Participant,
  session: SupportRow,
  as: Pick<NewSupportMessage, 'sender_type' | 'sender_id'>,
) {
  assertMaySpeak(actor, doorsOf(session))
  const part = partOf(actor, doorsOf(session))
  if (part === 'privileged') return
  const type = part === 'agent' ? 'agent' : 'user'
  if (as.sender_type !== type || as.sender_id !== idOf(actor)) throw new Refusal('forbidden')
}

function isAgent(actor: Participant): boolean {
  return actor.kind === 'account' && actor.role === 'agent'
}

function isRefusal(fault: unknown, ...reasons: Refusal['reason'][]): boolean {
  return fault instanceof Refusal && reasons.includes(fault.reason)
}

/** A chat that is not there is a session that is not there. */
async function asSession<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (fault) {
    throw isRefusal(fault, 'chat_missing') ? new Refusal('session_missing', { hides: 'forbidden' }) : fault
  }
}
