import {
  ANSWER_TEXT_MAX,
  type DeskMessage,
  type DeskSession,
  LISTED_MESSAGES_MAX,
  momentOf,
  type NewDeskMessage,
  type NewDeskSession,
} from '../../contract/desk.ts'
import type { Actor } from '../accounts/actor.ts'
import type { AnswerService } from '../answers/service.ts'
import { BoundedCache } from '../bounded-cache.ts'
import { idOf } from '../chats/access.ts'
import type { ChatService } from '../chats/chats.ts'
import { Refusal } from '../refusal.ts'
import type { DeskStore } from './desk-store.ts'
import { saidOf, sessionOf } from './said.ts'

/** Who calls: whose sessions those are (`''`: everyone's, on a public API), and on whose behalf their chats are changed. */
export type DeskCaller = { owner: string; actor: Actor }

const SESSIONS_CACHED = 50_000

/** Chats under the ids that clients choose. A session of another owner is one that is not there. */
export class DeskService {
  readonly #store: DeskStore
  readonly #chats: ChatService
  readonly #answers: AnswerService
  /** The chat behind a session, which never changes while it is there. */
  readonly #chatIds = new BoundedCache<string, string>(SESSIONS_CACHED)

  constructor(parts: { store: DeskStore; chats: ChatService; answers: AnswerService }) {
    this.#store = parts.store
    this.#chats = parts.chats
    this.#answers = parts.answers
  }

  /** The newest first, each with its newest messages: in all no more text than one answer takes. */
  async list({ owner }: DeskCaller, page: { limit: number; offset: number }): Promise<DeskSession[]> {
    const nested = { messages: LISTED_MESSAGES_MAX, offset: 0, bytes: ANSWER_TEXT_MAX }
    return (await this.#store.list(owner, page, nested)).map(sessionOf)
  }

  /** With its newest messages. Throws `Refusal('session_missing')`. */
  async read(
    { owner }: DeskCaller,
    id: string,
    { limit, offset }: { limit: number; offset: number },
  ): Promise<DeskSession> {
    const row = await this.#store.find({ owner, id }, { messages: limit, offset, bytes: ANSWER_TEXT_MAX })
    if (row === undefined) throw new Refusal('session_missing')
    return sessionOf(row)
  }

  /** Throws `Refusal('session_exists')`. */
  async create({ owner, actor }: DeskCaller, draft: NewDeskSession): Promise<DeskSession> {
    const { title, created_at: told } = draft
    const id = draft.id ?? Bun.randomUUIDv7()
    const given = told == null ? {} : { created_at: momentOf(told), metadata: { created_at: told } }
    const chat = await this.#chats.create(actor, { title, ...given }, { external: { owner, id } })
    return { id, title, created_at: told ?? chat.created_at, messages: [] }
  }

  /** A `user` message is answered afterwards. Throws `Refusal('session_missing')`. */
  async post(caller: DeskCaller, id: string, draft: NewDeskMessage): Promise<DeskMessage> {
    const known = this.#chatIds.get(keyOf(caller, id))
    try {
      return await this.#say(caller, id, known ?? (await this.chat(caller, id)).chatId, draft)
    } catch (fault) {
      if (!(fault instanceof Refusal && fault.reason === 'session_missing') || known === undefined) throw fault
      // It may be another session's by now: the id of one that is gone for good is free again.
      this.#chatIds.delete(keyOf(caller, id))
      return this.post(caller, id, draft)
    }
  }

  async #say({ actor }: DeskCaller, id: string, chatId: string, draft: NewDeskMessage): Promise<DeskMessage> {
    const { content, sender, timestamp } = draft
    try {
      const { message, number } = await this.#answers.postNumbered(actor, chatId, {
        content,
        senderType: sender,
        senderId: sender === 'user' ? idOf(actor) : null,
        ...(timestamp == null ? {} : { metadata: { timestamp } }),
      })
      return { session_id: id, ...saidOf({ ...message, number }) }
    } catch (fault) {
      throw fault instanceof Refusal && fault.reason === 'chat_missing' ? new Refusal('session_missing') : fault
    }
  }

  /** The chat behind a session, and the `seq` of its newest event. Throws `Refusal('session_missing')`. */
  async chat(caller: DeskCaller, id: string): Promise<{ chatId: string; seq: number }> {
    const chat = await this.#store.chat({ owner: caller.owner, id })
    if (chat === undefined) throw new Refusal('session_missing')
    this.#chatIds.set(keyOf(caller, id), chat.chatId)
    return chat
  }
}

function keyOf({ owner }: DeskCaller, id: string): string {
  // An owner has no slash.
  return `${owner}/${id}`
}
