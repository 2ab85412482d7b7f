import type { ChatWithMessages, HistoryPage, HistoryQuery, MessagePage, ReadCursor } from '../../contract/chat-calls.ts'
import type { Message } from '../../contract/chats.ts'
import type { Actor, Participant } from '../accounts/actor.ts'
import type { ChatService } from './chats.ts'
import type { History, Page } from './history.ts'
import type { HistoryStore } from './history-store.ts'
import type { ChatLog } from './log.ts'
import type { LoggedEvent } from './log-store.ts'
import type { MessageService } from './messages.ts'

const HISTORY_PAGE = 50

/** What is read of a chat in pages. */
export class ChatReader {
  readonly #chats: ChatService
  readonly #messages: MessageService
  readonly #history: History
  readonly #reads: HistoryStore
  readonly #log: ChatLog

  constructor(parts: {
    chats: ChatService
    messages: MessageService
    history: History
    reads: HistoryStore
    log: ChatLog
  }) {
    this.#chats = parts.chats
    this.#messages = parts.messages
    this.#history = parts.history
    this.#reads = parts.reads
    this.#log = parts.log
  }

  /** The chat with the newest messages of its active branch, oldest first. */
  async open(actor: Actor, chatId: string, limit: number): Promise<ChatWithMessages> {
    const chat = await this.#chats.get(actor, chatId)
    return { ...chat, messages: await this.#history.page(chat.active_branch_id, { from: 'end', limit }) }
  }

  /** Messages of the active branch, oldest first, after the first `skip`; and how many it has in all. */
  async page(actor: Actor, chatId: string, { skip, limit }: { skip: number; limit: number }): Promise<MessagePage> {
    const { active_branch_id } = await this.#chats.get(actor, chatId)
    const items = await this.#history.range(active_branch_id, skip + 1, skip + limit)
    return { items, total: (await this.#reads.head(active_branch_id)) ?? 0 }
  }

  /** Part of a branch's history, and where the parts on both sides of it are. */
  async history(actor: Actor, chatId: string, branchId: string, query: HistoryQuery): Promise<HistoryPage> {
    const { limit = HISTORY_PAGE } = query
    const page = pageOf(query, limit)
    const items = await this.#messages.page(actor, chatId, branchId, page)
    const [first, last] = [items[0], items.at(-1)]
    const head = page.from === 'end' ? (last?.position ?? 0) : ((await this.#reads.head(branchId)) ?? 0)
    if (first === undefined || last === undefined) {
      // Beyond one of the ends: all that there is lies on the other side.
      const isBeforeAll = page.from === 'before'
      return { items, previous: head > 0 && !isBeforeAll ? head + 1 : null, next: head > 0 && isBeforeAll ? 0 : null }
    }
    return {
      items,
      previous: first.position === 1 ? null : first.position,
      next: last.position < head ? last.position : null,
    }
  }

  /** The message that was posted with this `client_id`. */
  async posted(actor: Actor, chatId: string, clientId: string): Promise<Message | undefined> {
    const id = await this.#reads.idOf(chatId, clientId)
    return id === undefined ? undefined : this.#messages.get(actor, chatId, id)
  }

  /** How far the account has read: nothing of the root branch before it first said so. */
  async readCursor(actor: Actor, chatId: string): Promise<ReadCursor> {
    const cursor = await this.#messages.readCursor(actor, chatId)
    return cursor ?? { branch_id: chatId, position: 0, updated_at: null }
  }

  /** The chat's changes after one of them: see `ChatLog.read`. `last` is the newest that there is. */
  async events(
    actor: Participant,
    chatId: string,
    { after, limit }: { after: number; limit: number },
  ): Promise<{ events: LoggedEvent[]; complete: boolean; last: number }> {
    const { last_seq } = await this.#chats.get(actor, chatId)
    const { events, complete } = await this.#log.read(chatId, after, limit)
    return { events, complete, last: Math.max(last_seq, events.at(-1)?.seq ?? 0) }
  }
}

function pageOf({ before, after, around }: HistoryQuery, limit: number): Page {
  if (before !== undefined) return { from: 'before', position: before, limit }
  if (after !== undefined) return { from: 'after', position: after, limit }
  if (around !== undefined) return { from: 'around', position: around, limit }
  return { from: 'end', limit }
}
