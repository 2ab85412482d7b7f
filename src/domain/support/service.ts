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
import type { AnswerService } from '../answers/service.ts'
import { idOf } from '../chats/access.ts'
import type { ChatService } from '../chats/chats.ts'
import { assertMaySpeak, partOf } from '../chats/doors.ts'
import type { MessageService } from '../chats/messages.ts'
import { isoTime } from '../chats/rows.ts'
import { Refusal } from '../refusal.ts'
import { isAgent, type SupportAgents } from './agents.ts'
import { asSession, type SupportChanges } from './changes.ts'
import type { SupportHandOver } from './hand-over.ts'
import { doorsOf, ended, held, queued, type SupportRow, sessionOf, stateOf } from './session.ts'
import type { SupportSignals } from './signals.ts'
import type { SupportMessageRow, SupportPage, SupportStore } from './support-store.ts'
import { foundedWith, saidAnew } from './vouched.ts'

type Parts = {
  store: SupportStore
  chats: ChatService
  messages: MessageService
  answers: AnswerService
  changes: SupportChanges
  agents: SupportAgents
  handOver: SupportHandOver
  signals: SupportSignals
}

/** The title of the chat behind a session: what its customer calls it is in its metadata. */
const TITLE = 'Support'

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
    const known = foundedWith(actor, metadata ?? {})
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
            metadata: known,
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
    this.#parts.signals.session(made.chat_id)
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
    if (status === 'ended') {
      if (agent_id != null) await this.update(actor, id, { agent_id })
      const last = (session: SupportRow, at: string) => ended(withMetadata(actor, session, metadata), at)
      return this.#parts.handOver.end(actor, id, last)
    }
    if (agent_id != null && handles(actor, await this.#open(actor, id)))
      await this.#parts.handOver.takeFromAssistant(actor, id)
    return this.#parts.changes.make(actor, id, async (session, { transaction, at }) => {
      if ((agent_id != null || status != null) && !handles(actor, session)) throw new Refusal('forbidden')
      let next = withMetadata(actor, session, metadata)
      if (status != null && session.status === 'ended') next = reopened(next, next.agent_id, at)
      if (agent_id != null && agent_id !== next.agent_id) next = withAgent(next, agent_id, at)
      // Back ends say who has what; an agent gives to whoever takes it.
      const isTaken = session.handling === 'people' && next.agent_id === session.agent_id
      if (isAgent(actor) && next.agent_id !== null && next.handling === 'people' && !isTaken)
        await this.#parts.agents.expectTaker(transaction, actor, next.agent_id)
      return { ...next, status: status ?? next.status }
    })
  }

  /** Ended again, nothing changes. */
  end(actor: Participant, id: string): Promise<SupportSession> {
    return this.#parts.handOver.end(actor, id, ended)
  }

  /** See `SupportHandOver.handOver`. */
  askForPerson(actor: Participant, id: string): Promise<SupportSession> {
    return this.#parts.handOver.handOver(actor, id)
  }

  /**
   * One that has ended goes on: with the agent who does this and had it last, else in the queue. Throws
   * `Refusal('session_missing' | 'agent_full')`.
   */
  reopen(actor: Participant, id: string): Promise<SupportSession> {
    return this.#parts.changes.make(actor, id, async (session, { transaction, at }) => {
      if (session.status !== 'ended') return session
      const own = isAgent(actor) && session.agent_id === idOf(actor) ? session.agent_id : null
      if (own !== null) await this.#parts.agents.expectRoom(transaction, own)
      return reopened(session, own, at)
    })
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
  remove(actor: Participant, messageId: string): Promise<SupportMessage> {
    return this.#changeMessage(actor, messageId, (id) => this.#parts.messages.remove(actor, id, messageId))
  }

  /** What it said before is kept. Throws as `remove` does, and for what `MessageService.edit` does. */
  edit(actor: Participant, messageId: string, content: string): Promise<SupportMessage> {
    return this.#changeMessage(actor, messageId, (id) => this.#parts.messages.edit(actor, id, messageId, content))
  }

  /** A change of a message by its id alone, which has to be one of a session that the actor may open. */
  async #changeMessage(
    actor: Participant,
    messageId: string,
    change: (chatId: string) => Promise<Message>,
  ): Promise<SupportMessage> {
    const id = await this.#parts.store.sessionOf(messageId)
    if (id === undefined) throw new Refusal('message_missing')
    try {
      await this.#open(actor, id)
      return told(await change(id))
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

function withMetadata(actor: Participant, session: SupportRow, said: SupportSessionChange['metadata']): SupportRow {
  return said == null ? session : { ...session, metadata: saidAnew(actor, said, session.metadata) }
}

/** Whether the actor is no customer there. */
function handles(actor: Participant, session: SupportRow): boolean {
  const part = partOf(actor, doorsOf(session))
  return part === 'agent' || part === 'privileged'
}

function withAgent(session: SupportRow, agentId: string, at: string): SupportRow {
  return session.status === 'ended' ? { ...session, agent_id: agentId } : held(session, agentId, at)
}

/** Goes on with this agent, or waits. */
function reopened(session: SupportRow, agentId: string | null, at: string): SupportRow {
  return agentId === null ? queued(session, at) : held(session, agentId, at)
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

function isRefusal(fault: unknown, ...reasons: Refusal['reason'][]): boolean {
  return fault instanceof Refusal && reasons.includes(fault.reason)
}
