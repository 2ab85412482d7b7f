import {
  ATTACHMENTS_MAX,
  type ExtensionType,
  type KeptUrl,
  type MessageExtension,
  type NewExtension,
} from '../../contract/extensions.ts'
import type { Issue } from '../../contract/failures.ts'
import { isPrivileged, type Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { referenceOf } from '../files/attachment-store.ts'
import { Refusal } from '../refusal.ts'
import { idOf } from './access.ts'
import { extensionOf, fileExtensionOf } from './extension-rows.ts'
import type { ExtensionStore } from './extension-store.ts'
import type { ChatLog } from './log.ts'
import type { Change } from './log-store.ts'
import type { MessageHead, MessageStore } from './message-store.ts'
import { assertWritable, type MessageService } from './messages.ts'
import type { ChatRow } from './rows.ts'

type Parts = { store: ExtensionStore; messageStore: MessageStore; messages: MessageService; log: ChatLog }

type Added = Change<undefined>

/** Who calls. Anybody at all, where support is public, has nothing to do with chats that are none of support's. */
export type ExtensionCaller = { actor: Participant; isAnybody: boolean }

/**
 * What hangs on messages, as one kind of thing: attachments, reactions, and what they said before. A message of a chat that
 * the actor may not open is one that is not there.
 */
export class ExtensionService {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Oldest first; nothing of a deleted message. Throws `Refusal('message_missing')`. */
  async list(caller: ExtensionCaller, messageId: string, type?: ExtensionType): Promise<MessageExtension[]> {
    const { actor } = caller
    const chatId = await this.#chatOf(caller, messageId)
    const message = await asMessage(this.#parts.messages.get(actor, chatId, messageId))
    return message.deleted_at === null ? this.#of(messageId, type) : []
  }

  /**
   * Reactions are whoever's reads the message; attachments are for its author. What is there already is not added again.
   * Throws `Refusal('message_missing' | 'not_yours' | 'forbidden' | 'invalid' | 'message_deleted' |
   * 'too_many_reactions' | 'too_many_attachments' | 'file_missing' | 'chat_archived' | 'not_assigned')`.
   */
  async add(caller: ExtensionCaller, messageId: string, added: NewExtension): Promise<MessageExtension> {
    const { actor } = caller
    const chatId = await this.#chatOf(caller, messageId)
    const sender = senderOf(actor, added.sender_id)
    if (added.type === 'reaction') {
      if (sender === null) throw new Refusal('invalid', { issues: [NO_SENDER] })
      const { reaction_type } = added.data
      await asMessage(this.#parts.messages.react(actor, chatId, messageId, reaction_type, sender))
      return this.#added(messageId, 'reaction', (one) => isReaction(one, sender, reaction_type))
    }
    const { data } = added
    if ('file_id' in data) {
      await asMessage(this.#attachFile(actor, chatId, messageId, data.file_id, sender))
      return this.#added(messageId, 'attachment', ({ id }) => id === data.file_id)
    }
    const { url, name, type = null, size = null } = data
    await asMessage(this.#attachUrl(actor, chatId, messageId, { url, name, type, size }, sender))
    return this.#added(messageId, 'attachment', (one) => one.type === 'attachment' && one.data.url === url)
  }

  /**
   * Its sender's to take back, or the message's author's. Throws `Refusal('extension_missing')`, also the second time, and
   * `Refusal('extension_kept')` for what the message said before.
   */
  async remove(caller: ExtensionCaller, messageId: string, id: string): Promise<void> {
    const { actor } = caller
    const { log, store, messageStore } = this.#parts
    const chatId = await this.#chatOf(caller, messageId)
    const removed = log.change(actor, chatId, async (transaction, chat): Promise<Added> => {
      const message = await this.#message(actor, transaction, chat, messageId)
      const file = await store.attachedFile(transaction, messageId, id)
      if (file !== undefined) {
        assertTheirs(actor, message.sender_id, file.seq === null ? null : file.sender_id)
        if (file.seq !== null) await messageStore.unsay(transaction, chatId, file.seq, 'file.attached')
        await store.removeFile(transaction, messageId, id)
        return { events: [{ type: 'file.detached', data: { message_id: messageId, file_id: id } }], result: undefined }
      }
      const row = await store.find(transaction, messageId, id)
      if (row === undefined) throw new Refusal('extension_missing')
      if (row.type === 'edit') throw new Refusal('extension_kept')
      await store.remove(transaction, id)
      if (row.type === 'reaction') {
        assertTheirs(actor, row.sender_id)
        const data = { message_id: messageId, user_id: row.sender_id ?? '', reaction_type: String(row.data['key']) }
        return { events: [{ type: 'reaction.removed', data }], result: undefined }
      }
      assertTheirs(actor, message.sender_id, row.sender_id)
      await messageStore.unsay(transaction, chatId, Number(row.data['seq']), 'attachment.added')
      const data = { message_id: messageId, attachment_id: id }
      return { events: [{ type: 'attachment.removed', data }], result: undefined }
    })
    await asMessage(removed)
  }

  #attachUrl(
    actor: Participant,
    chatId: string,
    messageId: string,
    attached: KeptUrl,
    sender_id: string | null,
  ): Promise<undefined> {
    const { log, store } = this.#parts
    return log.change(actor, chatId, async (transaction, chat, created_at): Promise<Added> => {
      await this.#own(actor, transaction, chat, messageId)
      if (await store.withUrl(transaction, messageId, attached.url)) return { events: [], result: undefined }
      await this.#assertRoom(transaction, messageId)
      const row = { id: Bun.randomUUIDv7(), message_id: messageId, sender_id, created_at }
      await store.addUrl(transaction, row, attached, chat.last_seq + 1)
      const attachment = { id: row.id, ...attached, sender_id, created_at }
      return { events: [{ type: 'attachment.added', data: { message_id: messageId, attachment } }], result: undefined }
    })
  }

  #attachFile(
    actor: Participant,
    chatId: string,
    messageId: string,
    fileId: string,
    sender_id: string | null,
  ): Promise<undefined> {
    const { log, store } = this.#parts
    return log.change(actor, chatId, async (transaction, chat, created_at): Promise<Added> => {
      await this.#own(actor, transaction, chat, messageId)
      if (await store.attachedFile(transaction, messageId, fileId)) return { events: [], result: undefined }
      await this.#assertRoom(transaction, messageId)
      const file = await store.lockedFile(transaction, actor, fileId)
      if (file === undefined) throw new Refusal('file_missing')
      await store.addFile(transaction, messageId, file, { sender_id, created_at, seq: chat.last_seq + 1 })
      const data = { message_id: messageId, file: referenceOf(file) }
      return { events: [{ type: 'file.attached', data }], result: undefined }
    })
  }

  async #of(messageId: string, type?: ExtensionType): Promise<MessageExtension[]> {
    const { store } = this.#parts
    const files = type === undefined || type === 'attachment' ? await store.filesOf(messageId) : []
    const all = [
      ...(await store.of(messageId, type)).map(extensionOf),
      ...files.map((file) => fileExtensionOf(messageId, file)),
    ]
    return all.sort((one, other) => compare(one.created_at, other.created_at) || compare(one.id, other.id))
  }

  /** What was added, or was there before. Somebody may have taken it away again by now. */
  async #added(
    messageId: string,
    type: ExtensionType,
    isIt: (one: MessageExtension) => boolean,
  ): Promise<MessageExtension> {
    const added = (await this.#of(messageId, type)).find(isIt)
    if (added === undefined) throw new Refusal('extension_missing')
    return added
  }

  async #chatOf({ isAnybody }: ExtensionCaller, messageId: string): Promise<string> {
    const chat = await this.#parts.store.chatOf(messageId)
    if (chat === undefined || (isAnybody && chat.customer_id === null)) throw new Refusal('message_missing')
    return chat.chat_id
  }

  async #message(actor: Participant, transaction: Transaction, chat: ChatRow, messageId: string): Promise<MessageHead> {
    assertWritable(actor, chat)
    const message = await this.#parts.messageStore.find(transaction, chat.id, messageId)
    if (message === undefined) throw new Refusal('message_missing')
    if (message.deleted_at !== null) throw new Refusal('message_deleted')
    return message
  }

  async #own(actor: Participant, transaction: Transaction, chat: ChatRow, messageId: string): Promise<void> {
    const { sender_id } = await this.#message(actor, transaction, chat, messageId)
    assertTheirs(actor, sender_id)
  }

  async #assertRoom(transaction: Transaction, messageId: string): Promise<void> {
    const { store, messageStore } = this.#parts
    const urls = await messageStore.count(transaction, messageId, 'attachment')
    const files = await store.fileCount(transaction, messageId)
    if (urls + files >= ATTACHMENTS_MAX) throw new Refusal('too_many_attachments')
  }
}

const NO_SENDER: Issue = { loc: ['body', 'sender_id'], msg: 'Say on whose behalf.', type: 'missing' }

/** Everybody acts as themselves; a back end that acts for nobody else says for whom. */
function senderOf(actor: Participant, given: string | undefined): string | null {
  const own = idOf(actor)
  if (own !== null && given !== undefined && given !== own) throw new Refusal('forbidden')
  return own ?? given ?? null
}

function assertTheirs(actor: Participant, ...senders: (string | null)[]): void {
  const own = idOf(actor)
  if (isPrivileged(actor) || (own !== null && senders.includes(own))) return
  throw new Refusal('not_yours')
}

function isReaction(one: MessageExtension, sender: string | null, reaction: string): boolean {
  return one.type === 'reaction' && one.sender_id === sender && one.data.reaction_type === reaction
}

/** A chat that is not there has no messages. */
async function asMessage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (fault) {
    throw fault instanceof Refusal && fault.reason === 'chat_missing'
      ? new Refusal('message_missing', { hides: 'forbidden' })
      : fault
  }
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
