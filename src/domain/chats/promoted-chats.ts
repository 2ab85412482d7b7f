import type { Chat } from '../../contract/chats.ts'
import type { TransferredMessage } from '../../contract/transfer.ts'
import type { AccountActor } from '../accounts/actor.ts'
import { assertStanding } from '../accounts/transaction-store.ts'
import { Refusal } from '../refusal.ts'
import type { PromotedConversation, Promotions } from '../sessions/promotion.ts'
import { Turns } from '../turns.ts'
import { ImportBatches, type ImportedChat } from './import-batches.ts'
import { insertWhole, type WholeChat } from './import-store.ts'
import type { PromotionStore } from './promotion-store.ts'
import { chatOf } from './rows.ts'

/** Each holds a connection of its own, or the only one of an embedded database. */
const AT_ONCE = { atOnce: 2, waiting: 50 }

/** Chats that were sessions. */
export class PromotedChats implements Promotions {
  readonly #store: PromotionStore
  readonly #turns = new Turns(AT_ONCE)

  constructor(store: PromotionStore) {
    this.#store = store
  }

  make(
    actor: AccountActor,
    name: string,
    take: () => Promise<PromotedConversation>,
  ): Promise<{ chat: Chat; isNew: boolean }> {
    return this.#turns.take(() =>
      this.#store.alone(name, async (transaction) => {
        await assertStanding(transaction, actor)
        const conversation = await take()
        const row = await this.#store.find(transaction, conversation.chatId)
        if (row !== undefined) {
          if (row.deleted_at !== null) throw new Refusal('chat_missing')
          return { chat: chatOf(row), isNew: false }
        }
        const whole = wholeChat(actor.accountId, conversation)
        await insertWhole(transaction, whole)
        const { chat, at, parts } = whole
        return { chat: { ...chat, last_seq: parts.lastSeq, updated_at: at, deleted_at: null }, isNew: true }
      }),
    )
  }

  settle(name: string, chatId: string, settle: (isMade: boolean) => Promise<void>): Promise<void> {
    return this.#turns.take(() =>
      this.#store.alone(name, async (transaction) => {
        const row = await this.#store.find(transaction, chatId)
        await settle(row !== undefined)
      }),
    )
  }
}

function wholeChat(owner: string, { chatId, title, messages, saidBy }: PromotedConversation): WholeChat {
  const at = new Date().toISOString()
  const created_at = messages[0]?.created_at ?? at
  const chat: ImportedChat = {
    id: chatId,
    title,
    user_id: owner,
    metadata: {},
    active_branch_id: chatId,
    created_at,
    archived_at: null,
  }
  const root = {
    id: chatId,
    name: null,
    parent_branch_id: null,
    fork_branch_id: null,
    fork_position: 0,
    head: messages.length,
    after: 0,
    created_by: owner,
    created_at,
  }
  const said = messages.map(
    ({ id, role, content, created_at }, index): TransferredMessage => ({
      id,
      branch_id: chatId,
      position: index + 1,
      sender_type: role,
      sender_id: role === 'user' ? saidBy : null,
      content,
      status: 'completed',
      metadata: {},
      created_at,
      edited_at: null,
      deleted_at: null,
      reactions: [],
      edits: [],
      attachments: [],
      files: [],
      sources: [],
    }),
  )
  const parts = new ImportBatches({
    chat,
    branches: [root],
    messages: said,
    branchIds: new Map(),
    messageId: (id) => id,
    speaker: (person) => person,
    at,
  })
  return { chat, at, parts }
}
