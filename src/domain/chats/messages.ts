import type { Message, MessageStatus, NewMessage, SenderType } from '../../contract/chats.ts'
import { REACTIONS_MAX } from '../../contract/extensions.ts'
import { isPrivileged, type Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { Refusal } from '../refusal.ts'
import { type ChatAccess, idOf } from './access.ts'
import { assertMayArrange, assertMaySpeak, speakerIn } from './doors.ts'
import type { History, Page } from './history.ts'
import type { HistoryStore } from './history-store.ts'
import type { ChatLog } from './log.ts'
import type { MessageHead, MessageStore, ReadCursor } from './message-store.ts'
import { type ChatRow, messageOf, messageTypeOf } from './rows.ts'

/** What somebody posts: with files of their own, in this order. */
export type Posted = NewMessage & { file_ids?: readonly string[] | null | undefined }

/** A message of whoever it may be; `post` is for those who write as themselves. */
export type Draft = Posted & { senderType: SenderType; senderId: string | null; status?: MessageStatus }

/** All that a message ever said is kept, and read at once. */
const EDITS_MAX = 100

/** Of these an account has one at a time; of emoji, one of each. */
export const EXCLUSIVE = ['like', 'dislike']

export class MessageService {
  readonly #store: MessageStore
  readonly #reads: HistoryStore
  readonly #history: History
  readonly #log: ChatLog
  readonly #access: ChatAccess

  constructor(parts: {
    store: MessageStore
    reads: HistoryStore
    history: History
    log: ChatLog
    access: ChatAccess
  }) {
    this.#store = parts.store
    this.#reads = parts.reads
    this.#history = parts.history
    this.#log = parts.log
    this.#access = parts.access
  }

  /**
   * Posts as the actor itself. The same `client_id` again, with the same content, resolves to the first message; with
   * another content it throws `Refusal('client_id_reused')`.
   */
  async post(actor: Participant, chatId: string, message: Posted): Promise<Message> {
    const senderType = speakerIn(actor, await this.#access.open(actor, chatId))
    return this.append(actor, chatId, { ...message, senderType, senderId: idOf(actor) })
  }

  async append(actor: Participant, chatId: string, draft: Draft): Promise<Message> {
    return (await this.appendNumbered(actor, chatId, draft)).message
  }

  /** The same for a reader that knows messages by their numbers. */
  async appendNumbered(
    actor: Participant,
    chatId: string,
    draft: Draft,
  ): Promise<{ message: Message; number: number }> {
    assertMaySpeak(actor, await this.#access.open(actor, chatId))
    const { content, senderType, senderId, status = 'completed', metadata = {} } = draft
    const clientId = draft.client_id ?? null
    const id = Bun.randomUUIDv7()
    const created = {
      id,
      chat_id: chatId,
      message_type: messageTypeOf(senderType),
      sender_type: senderType,
      sender_id: senderId,
      content,
      status,
      metadata,
      client_id: clientId,
    }
    const post = {
      id,
      chatId,
      branchId: draft.branch_id ?? null,
      senderType,
      senderId,
      content,
      status,
      metadata,
      clientId,
      actor,
      event: JSON.stringify(created).slice(0, -1),
    }
    const { placed, files } = draft.file_ids?.length
      ? await this.#log.appendWithFiles(post, draft.file_ids)
      : { placed: await this.#log.append(post), files: [] }
    const { number } = placed
    if (placed.outcome === 'known') return { message: await this.#read(chatId, placed.messageId), number }
    const { branchId: branch_id, position, seq, at } = placed
    const times = { created_at: at, updated_at: at, edited_at: null, deleted_at: null }
    return {
      message: { ...created, branch_id, position, seq, ...times, reactions: [], sources: [], files, attachments: [] },
      number,
    }
  }

  /** Part of a branch's history, oldest first; the active branch's where none is named. */
  async page(actor: Participant, chatId: string, branchId: string, page: Page): Promise<Message[]> {
    await this.#access.open(actor, chatId)
    await this.#history.fork(chatId, branchId)
    return this.#history.page(branchId, page)
  }

  async get(actor: Participant, chatId: string, messageId: string): Promise<Message> {
    await this.#access.open(actor, chatId)
    return this.#read(chatId, messageId)
  }

  /** What the message said before each edit, oldest first; nothing of a deleted one. */
  async edits(actor: Participant, chatId: string, messageId: string) {
    const message = await this.get(actor, chatId, messageId)
    return message.deleted_at === null ? this.#store.edits(messageId) : []
  }

  /** Only its author changes a message; what it said before is kept. The same content again changes nothing. */
  async edit(actor: Participant, chatId: string, messageId: string, content: string): Promise<Message> {
    await this.#log.change(actor, chatId, async (transaction, chat, at) => {
      const message = await this.#own(actor, transaction, chat, messageId)
      assertSettled(message)
      if (message.content === content) return { events: [], result: undefined }
      if ((await this.#store.count(transaction, messageId, 'edit')) >= EDITS_MAX) throw new Refusal('too_many_edits')
      await this.#store.edit(transaction, message, content, { by: idOf(actor), at, seq: chat.last_seq + 1 })
      return {
        events: [{ type: 'message.edited', data: { message_id: messageId, content, edited_at: at } }],
        result: undefined,
      }
    })
    return this.#read(chatId, messageId)
  }

  /** Its content leaves every read, its place stays. Deleting it again changes nothing. */
  async remove(actor: Participant, chatId: string, messageId: string): Promise<Message> {
    await this.#log.change(actor, chatId, async (transaction, chat, at) => {
      const message = await this.#own(actor, transaction, chat, messageId, { deleted: true })
      if (message.deleted_at !== null) return { events: [], result: undefined }
      assertSettled(message)
      await this.#store.remove(transaction, messageId, at)
      return {
        events: [{ type: 'message.deleted', data: { message_id: messageId, deleted_at: at } }],
        result: undefined,
      }
    })
    return this.#read(chatId, messageId)
  }

  /**
   * `like` and `dislike` replace each other; any emoji stands once. The same again changes nothing. `as`: on whose behalf
   * a back end reacts that acts for nobody else.
   */
  async react(actor: Participant, chatId: string, messageId: string, key: string, as?: string): Promise<void> {
    await this.#log.change(actor, chatId, async (transaction, chat, at) => {
      assertWritable(actor, chat)
      const user = await this.#reacting(actor, transaction, chat, messageId, { as })
      const present = await this.#store.reactionsBy(transaction, messageId, user)
      if (present.includes(key)) return { events: [], result: undefined }
      const replaced = EXCLUSIVE.includes(key) ? present.filter((other) => EXCLUSIVE.includes(other)) : []
      const all = (await this.#store.count(transaction, messageId, 'reaction')) - replaced.length
      if (present.length - replaced.length >= REACTIONS_MAX.each || all >= REACTIONS_MAX.all)
        throw new Refusal('too_many_reactions')
      for (const other of replaced) await this.#store.unreact(transaction, messageId, user, other)
      await this.#store.react(transaction, messageId, user, key, at)
      const named = { message_id: messageId, user_id: user }
      return {
        events: [
          ...replaced.map((other) => ({ type: 'reaction.removed' as const, data: { ...named, reaction_type: other } })),
          { type: 'reaction.added', data: { ...named, reaction_type: key, created_at: at } },
        ],
        result: undefined,
      }
    })
  }

  async unreact(actor: Participant, chatId: string, messageId: string, key: string): Promise<void> {
    await this.#log.change(actor, chatId, async (transaction, chat) => {
      assertWritable(actor, chat)
      const user = await this.#reacting(actor, transaction, chat, messageId)
      const present = await this.#store.reactionsBy(transaction, messageId, user)
      if (!present.includes(key)) return { events: [], result: undefined }
      await this.#store.unreact(transaction, messageId, user, key)
      const data = { message_id: messageId, user_id: user, reaction_type: key }
      return { events: [{ type: 'reaction.removed', data }], result: undefined }
    })
  }

  /** How far the account has read; not set before it first said so. */
  async readCursor(actor: Participant, chatId: string): Promise<ReadCursor | undefined> {
    await this.#access.open(actor, chatId)
    const user = idOf(actor)
    return user === null ? undefined : this.#store.readCursor(chatId, user)
  }

  /** Says that the account has read a message and all before it. It may move back: unread again. */
  async moveReadCursor(actor: Participant, chatId: string, messageId: string): Promise<ReadCursor> {
    return this.#log.change(actor, chatId, async (transaction, chat, at) => {
      const user = await this.#reacting(actor, transaction, chat, messageId, { deleted: true })
      const { branch_id, position } = await this.#find(transaction, chat, messageId)
      await this.#store.moveReadCursor(transaction, {
        chat_id: chatId,
        user_id: user,
        branch_id,
        position,
        updated_at: at,
      })
      return {
        events: [{ type: 'read.moved', data: { user_id: user, branch_id, position } }],
        result: { branch_id, position, updated_at: at },
        quiet: true,
      }
    })
  }

  async #read(chatId: string, messageId: string): Promise<Message> {
    const row = await this.#reads.message(messageId)
    if (row?.chat_id !== chatId) throw new Refusal('message_missing')
    return messageOf(row)
  }

  async #find(transaction: Transaction, chat: ChatRow, messageId: string): Promise<MessageHead> {
    const message = await this.#store.find(transaction, chat.id, messageId)
    if (message === undefined) throw new Refusal('message_missing')
    return message
  }

  /** A message that the actor may change. */
  async #own(
    actor: Participant,
    transaction: Transaction,
    chat: ChatRow,
    messageId: string,
    { deleted = false } = {},
  ): Promise<MessageHead> {
    assertWritable(actor, chat)
    const message = await this.#find(transaction, chat, messageId)
    if (!isPrivileged(actor) && message.sender_id !== idOf(actor)) throw new Refusal('not_yours')
    if (message.deleted_at !== null && !deleted) throw new Refusal('message_deleted')
    return message
  }

  /** Who reacts to a message, or has read it: always an account. */
  async #reacting(
    actor: Participant,
    transaction: Transaction,
    chat: ChatRow,
    messageId: string,
    { deleted = false, as }: { deleted?: boolean; as?: string | undefined } = {},
  ): Promise<string> {
    assertMaySpeak(actor, chat)
    if (chat.deleted_at !== null) throw new Refusal('chat_missing')
    const user = idOf(actor) ?? as
    if (user === undefined) throw new Refusal('account_needed')
    const message = await this.#find(transaction, chat, messageId)
    if (message.deleted_at !== null && !deleted) throw new Refusal('message_deleted')
    return user
  }
}

/** Throws unless the actor may write to this chat as it is now. */
export function assertWritable(actor: Participant, chat: ChatRow): void {
  assertMaySpeak(actor, chat)
  assertNotArchived(chat)
}

/** The same for its branches. */
export function assertArrangeable(actor: Participant, chat: ChatRow): void {
  assertMayArrange(actor, chat)
  assertNotArchived(chat)
}

function assertNotArchived({ deleted_at, archived_at }: ChatRow): void {
  if (deleted_at !== null) throw new Refusal('chat_missing')
  if (archived_at !== null) throw new Refusal('chat_archived')
}

/** Throws `Refusal('answer_running')` for a message that an answerer still writes. */
function assertSettled({ status }: MessageHead): void {
  if (status === 'pending' || status === 'processing') throw new Refusal('answer_running')
}
