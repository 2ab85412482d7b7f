import type { Branch, Chat, Metadata, NewChat } from '../../contract/chats.ts'
import type { Actor, Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { Refusal } from '../refusal.ts'
import { type ChatAccess, idOf } from './access.ts'
import type { ChatStore } from './chat-store.ts'
import { assertMayArrange } from './doors.ts'
import type { ChatLog } from './log.ts'
import type { LoggedEvent, NewEvent } from './log-store.ts'
import { chatOf } from './rows.ts'

export type ChatPage = { skip: number; limit: number; archived?: boolean | undefined }
export type ChatChange = {
  title?: string | undefined
  metadata?: Metadata | undefined
  /** Archived chats are read only and apart in the list. */
  archived?: boolean | undefined
}

/** The id that a client chose for a chat, and whose word that is. */
export type ExternalId = { owner: string; id: string }

/** What a chat is made with, beside what its maker says of it. */
export type Founding = {
  external?: ExternalId
  /** It belongs to no account, whoever makes it. */
  ownerless?: true
  /** Does more in the same transaction; resolves to the events that tell of it. */
  more?(transaction: Transaction, chat: Chat, at: string): Promise<NewEvent[]>
}

/** Chats as a whole: made, listed, changed, deleted and brought back. */
export class ChatService {
  readonly #store: ChatStore
  readonly #log: ChatLog
  readonly #access: ChatAccess
  #removed: (chatId: string) => void = () => {}

  constructor(store: ChatStore, log: ChatLog, access: ChatAccess) {
    this.#store = store
    this.#log = log
    this.#access = access
  }

  /**
   * Owned by the account that makes it; by nobody where a back end acts for none. Throws `Refusal('session_exists')` where
   * the external id is taken.
   */
  async create(
    actor: Participant,
    draft: NewChat & { created_at?: string | undefined },
    { external, ownerless, more }: Founding = {},
  ): Promise<Chat> {
    const id = Bun.randomUUIDv7()
    let chat: Chat | undefined
    await this.#log.begin(actor, async (transaction, at) => {
      const made = newChat(id, ownerless ? null : idOf(actor), draft, at)
      const first = await insertChat(this.#store, transaction, { chat: made, createdBy: idOf(actor), external })
      const news = (await more?.(transaction, made, at)) ?? []
      const rest = news.map(({ type, data }, index) => ({
        chatId: id,
        seq: made.last_seq + 1 + index,
        type,
        data: JSON.stringify(data),
        at,
      }))
      chat = { ...made, last_seq: made.last_seq + rest.length }
      if (rest.length > 0) await this.#store.update(transaction, id, { last_seq: chat.last_seq })
      return [...first, ...rest]
    })
    return chat ?? this.get(actor, id)
  }

  async list(actor: Actor, { skip, limit, archived = false }: ChatPage): Promise<{ items: Chat[]; total: number }> {
    // A back end that acts for nobody owns no chats.
    if (actor.kind === 'service') return { items: [], total: 0 }
    const { rows, total } = await this.#store.ownedBy(actor.accountId, { skip, limit, archived })
    return { items: rows.map(chatOf), total }
  }

  async get(actor: Participant, chatId: string): Promise<Chat> {
    await this.#access.open(actor, chatId)
    const row = await this.#store.find(chatId)
    if (row === undefined || row.deleted_at !== null) throw new Refusal('chat_missing')
    return chatOf(row)
  }

  /** Throws `Refusal('chat_missing')`. What is not named stays as it is. */
  update(actor: Actor, chatId: string, { title, metadata, archived }: ChatChange): Promise<Chat> {
    return this.#log.change(actor, chatId, async (transaction, chat, at) => {
      assertMayArrange(actor, chat)
      if (chat.deleted_at !== null) throw new Refusal('chat_missing')
      const change = {
        ...(title === undefined || title === chat.title ? {} : { title }),
        ...(metadata === undefined ? {} : { metadata }),
        ...(archived === undefined || archived === (chat.archived_at !== null)
          ? {}
          : { archived_at: archived ? at : null }),
      }
      if (Object.keys(change).length === 0) return { events: [], result: chatOf(chat) }
      await this.#store.update(transaction, chatId, change)
      const result = chatOf({ ...chat, ...change, last_seq: chat.last_seq + 1 })
      return { events: [{ type: 'chat.updated', data: change }], result: { ...result, updated_at: at } }
    })
  }

  /** It leaves every list and read, and can be brought back. Deleting it again changes nothing. */
  async remove(actor: Actor, chatId: string): Promise<void> {
    const removed = this.#log.change(actor, chatId, async (transaction, chat, at) => {
      assertMayArrange(actor, chat)
      if (chat.deleted_at !== null) throw new Refusal('chat_missing')
      await this.#store.update(transaction, chatId, { deleted_at: at })
      return { events: [{ type: 'chat.deleted', data: { deleted_at: at } }], result: undefined }
    })
    // Also where it failed: a commit whose answer came too late is a commit.
    await removed.finally(() => this.#access.changed(chatId))
    this.#removed(chatId)
  }

  /** Told of each chat that is deleted here, from now on. Synchronous, must not throw. */
  onRemoved(removed: (chatId: string) => void): void {
    this.#removed = removed
  }

  /** Brings a deleted chat back; one that is not deleted stays as it is. */
  async restore(actor: Actor, chatId: string): Promise<Chat> {
    const restored = this.#log.change(actor, chatId, async (transaction, chat, at) => {
      assertMayArrange(actor, chat)
      if (chat.deleted_at === null) return { events: [], result: chatOf(chat) }
      // Its removal has begun: there may be nothing left of it.
      if (Date.parse(chat.deleted_at) === 0) throw new Refusal('chat_missing')
      await this.#store.update(transaction, chatId, { deleted_at: null })
      const result = { ...chatOf({ ...chat, deleted_at: null, last_seq: chat.last_seq + 1 }), updated_at: at }
      return { events: [{ type: 'chat.restored', data: {} }], result }
    })
    return restored.finally(() => this.#access.changed(chatId))
  }
}

function newChat(
  id: string,
  owner: string | null,
  { title, metadata = {}, created_at }: NewChat & { created_at?: string | undefined },
  at: string,
): Chat {
  return {
    id,
    title,
    user_id: owner,
    active_branch_id: id,
    last_seq: 2,
    metadata,
    created_at: created_at ?? at,
    updated_at: at,
    archived_at: null,
    deleted_at: null,
  }
}

/** Writes a chat with its root branch; resolves to the two events that tell of them. */
async function insertChat(
  store: ChatStore,
  transaction: Transaction,
  { chat, createdBy, external }: { chat: Chat; createdBy: string | null; external: ExternalId | undefined },
): Promise<LoggedEvent[]> {
  const { id, title, user_id, metadata, created_at, last_seq, updated_at: at, ...rest } = chat
  const row = {
    id,
    title,
    owner_id: user_id,
    metadata,
    created_at,
    updated_at: at,
    last_seq,
    rootName: null,
    createdBy,
  }
  if (!(await store.insert(transaction, row, external))) throw new Refusal('session_exists')
  const root: Branch = {
    id,
    chat_id: id,
    name: null,
    parent_branch_id: null,
    fork_branch_id: null,
    fork_position: 0,
    created_by: createdBy,
    created_at,
  }
  const created = { id, title, user_id, metadata, created_at, ...rest }
  return [
    { chatId: id, seq: 1, type: 'chat.created', data: JSON.stringify(created), at },
    { chatId: id, seq: 2, type: 'branch.created', data: JSON.stringify(root), at },
  ]
}
