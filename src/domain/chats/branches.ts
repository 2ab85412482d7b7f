import type { BranchTree } from '../../contract/branch-calls.ts'
import type { Branch, Message, Metadata } from '../../contract/chats.ts'
import type { Actor } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { filesToShow } from '../files/attachment-store.ts'
import { Refusal } from '../refusal.ts'
import { type ChatAccess, idOf } from './access.ts'
import type { ChatStore } from './chat-store.ts'
import type { History } from './history.ts'
import type { Fork, HistoryStore } from './history-store.ts'
import type { ChatLog } from './log.ts'
import type { MessageStore } from './message-store.ts'
import { assertArrangeable } from './messages.ts'
import { branchOf, type ChatRow, type MessageRow, messageOf } from './rows.ts'

/** A chat's branches are listed whole: no more are made than this. */
export const BRANCHES_MAX = 10_000

/** As many are told of those that were said in one message's place: the oldest. */
const SIBLINGS_MAX = 200

export type NewBranch = {
  /** The branch shares the history up to and with this message. */
  messageId: string
  /** The branch in whose history it was seen; left out, the one that it was written in. */
  parentId?: string | undefined
  name?: string | null | undefined
}

/** The branch that a message was written in, its position, and the branch of the message before it. */
export type ForkBefore = { parent: string; position: number; forkBranch: string }

/** Lines of history: made at any message, in constant time, with nothing copied. */
export class BranchService {
  readonly #store: ChatStore
  readonly #messages: MessageStore
  readonly #reads: HistoryStore
  readonly #history: History
  readonly #log: ChatLog
  readonly #access: ChatAccess

  constructor(parts: {
    store: ChatStore
    messages: MessageStore
    reads: HistoryStore
    history: History
    log: ChatLog
    access: ChatAccess
  }) {
    this.#store = parts.store
    this.#messages = parts.messages
    this.#reads = parts.reads
    this.#history = parts.history
    this.#log = parts.log
    this.#access = parts.access
  }

  /** Oldest first; the first is the root. */
  async list(actor: Actor, chatId: string): Promise<Branch[]> {
    await this.#access.open(actor, chatId)
    return (await this.#store.branches(chatId, BRANCHES_MAX)).map(branchOf)
  }

  /** The root with all its branches, whole depth. */
  async tree(actor: Actor, chatId: string): Promise<BranchTree> {
    const nodes = new Map<string, BranchTree>()
    const branches = await this.list(actor, chatId)
    for (const { id, name, parent_branch_id } of branches)
      nodes.set(id, { id, name, parent_id: parent_branch_id, children: [] })
    for (const node of nodes.values()) {
      if (node.parent_id !== null) nodes.get(node.parent_id)?.children.push(node)
    }
    const root = nodes.get(chatId)
    if (root === undefined) throw new Refusal('chat_missing')
    return root
  }

  /** The chat that a branch belongs to. Throws `Refusal('chat_missing')`, as for a chat: a branch's id serves as one. */
  async chatOf(actor: Actor, branchId: string): Promise<Fork> {
    const fork = await this.#history.find(branchId)
    if (fork === undefined) throw new Refusal('chat_missing')
    await this.#access.open(actor, fork.chatId)
    return fork
  }

  async get(actor: Actor, chatId: string, branchId: string): Promise<Branch> {
    await this.#access.open(actor, chatId)
    const row = await this.#store.branch(branchId)
    if (row?.chat_id !== chatId) throw new Refusal('branch_missing')
    return branchOf(row)
  }

  /** Throws `message_missing`, `message_deleted`, or `branch_missing` where the parent is none or lacks the message. */
  async create(actor: Actor, chatId: string, { messageId, parentId, name = null }: NewBranch): Promise<Branch> {
    const { branch_id, position } = await this.#message(actor, chatId, messageId)
    const parent = parentId ?? branch_id
    await this.#history.fork(chatId, parent)
    if (!(await this.#history.contains(parent, { branch_id, position }))) throw new Refusal('branch_missing')
    return this.#log.change(actor, chatId, async (transaction, chat, at) => {
      assertArrangeable(actor, chat)
      const message = await this.#messages.find(transaction, chatId, messageId)
      if (message === undefined) throw new Refusal('message_missing')
      if (message.deleted_at !== null) throw new Refusal('message_deleted')
      assertRoom(chat)
      const branch = newBranch(actor, chatId, at, { parent, name, forkBranch: branch_id, position })
      await this.#store.insertBranch(transaction, { ...branch, head: position })
      return { events: [{ type: 'branch.created', data: branch }], result: branch }
    })
  }

  /**
   * Says something else in a message's place, and keeps both: a new branch, active from now on, shares the history before
   * the message and begins with the new one.
   */
  async diverge(
    actor: Actor,
    chatId: string,
    messageId: string,
    {
      content,
      client_id = null,
      metadata = {},
      file_ids,
    }: {
      content: string
      client_id?: string | null | undefined
      metadata?: Metadata | undefined
      /** Left out: what the other message shows. */
      file_ids?: readonly string[] | null | undefined
    },
  ): Promise<{ branch: Branch; message: Message }> {
    const fork = await this.forkBefore(actor, chatId, messageId)
    const { parent, position } = fork
    const made = await this.#log.change(actor, chatId, async (transaction, chat, at) => {
      assertArrangeable(actor, chat)
      const known = client_id === null ? undefined : await this.#messages.findByClientId(transaction, chatId, client_id)
      if (known !== undefined) {
        const same = known.content === content && known.sender_id === idOf(actor)
        const here = known.parent_branch_id === parent && known.fork_position === position - 1
        if (!(same && here && known.position === position)) throw new Refusal('client_id_reused')
        return { events: [], result: { branchId: known.branch_id, messageId: known.id } }
      }
      const message = await this.#messages.find(transaction, chatId, messageId)
      if (message === undefined) throw new Refusal('message_missing')
      if (message.deleted_at !== null) throw new Refusal('message_deleted')
      const shown = await filesToShow(transaction, actor, file_ids, messageId)
      const branch = await this.insertFork(transaction, actor, chat, fork, at)
      const said = {
        id: Bun.randomUUIDv7(),
        chat_id: chatId,
        branch_id: branch.id,
        position,
        sender_type: 'user' as const,
        sender_id: idOf(actor),
        content,
        status: 'completed' as const,
        metadata,
        client_id,
      }
      // The branch comes first.
      const created = await this.#messages.insert(transaction, said, { seq: chat.last_seq + 2, at }, shown)
      return {
        events: [
          { type: 'branch.created', data: branch },
          created,
          { type: 'branch.activated', data: { branch_id: branch.id } },
        ],
        result: { branchId: branch.id, messageId: said.id },
      }
    })
    const [branch, message] = await Promise.all([
      this.get(actor, chatId, made.branchId),
      this.#message(actor, chatId, made.messageId),
    ])
    return { branch, message: messageOf(message) }
  }

  /** Where a branch begins that has something else in a message's place. */
  async forkBefore(actor: Actor, chatId: string, messageId: string): Promise<ForkBefore> {
    const { branch_id: parent, position } = await this.#message(actor, chatId, messageId)
    return { parent, position, forkBranch: await this.#before(chatId, parent, position) }
  }

  /** Makes that branch, in a change of its chat, and the active one: whoever calls puts a message at the position. */
  async insertFork(
    transaction: Transaction,
    actor: Actor,
    chat: ChatRow,
    { parent, position, forkBranch }: ForkBefore,
    at: string,
  ): Promise<Branch> {
    assertArrangeable(actor, chat)
    if (chat.handling === 'ended') throw new Refusal('session_ended')
    assertRoom(chat)
    const branch = newBranch(actor, chat.id, at, { parent, name: null, forkBranch, position: position - 1 })
    await this.#store.insertBranch(transaction, { ...branch, head: position - 1 })
    await this.#store.update(transaction, chat.id, { active_branch_id: branch.id })
    return branch
  }

  /** What was said in a message's place, itself included, oldest first: for a picker that shows 2 of 3. */
  async siblings(actor: Actor, chatId: string, messageId: string): Promise<Message[]> {
    const { branch_id, position } = await this.#message(actor, chatId, messageId)
    return (await this.#reads.siblings(await this.#before(chatId, branch_id, position), position, SIBLINGS_MAX)).map(
      messageOf,
    )
  }

  async rename(actor: Actor, chatId: string, branchId: string, name: string | null): Promise<Branch> {
    await this.get(actor, chatId, branchId)
    await this.#log.change(actor, chatId, async (transaction, chat) => {
      assertArrangeable(actor, chat)
      await this.#store.renameBranch(transaction, branchId, name)
      return { events: [{ type: 'branch.renamed', data: { branch_id: branchId, name } }], result: undefined }
    })
    return this.get(actor, chatId, branchId)
  }

  /**
   * Makes a branch the active one: where posts go that name none. With `expected`, only if that one is active still, else
   * `Refusal('branch_moved')`. The active one again changes nothing.
   */
  async activate(actor: Actor, chatId: string, branchId: string, expected?: string): Promise<void> {
    await this.#access.open(actor, chatId)
    await this.#history.fork(chatId, branchId)
    await this.#log.change(actor, chatId, async (transaction, chat) => {
      assertArrangeable(actor, chat)
      if (expected !== undefined && chat.active_branch_id !== expected) throw new Refusal('branch_moved')
      if (chat.active_branch_id === branchId) return { events: [], result: undefined }
      await this.#store.update(transaction, chatId, { active_branch_id: branchId })
      return { events: [{ type: 'branch.activated', data: { branch_id: branchId } }], result: undefined }
    })
  }

  async #message(actor: Actor, chatId: string, messageId: string): Promise<MessageRow> {
    await this.#access.open(actor, chatId)
    const message = await this.#reads.message(messageId)
    if (message?.chat_id !== chatId) throw new Refusal('message_missing')
    return message
  }

  /** The branch in which the message before a position was written; the root where there is none before it. */
  async #before(chatId: string, branchId: string, position: number): Promise<string> {
    return (await this.#history.writtenIn(branchId, position - 1)) ?? chatId
  }
}

function assertRoom({ branch_count }: ChatRow): void {
  if (branch_count >= BRANCHES_MAX) throw new Refusal('too_many_branches')
}

function newBranch(
  actor: Actor,
  chatId: string,
  at: string,
  from: { parent: string; name: string | null; forkBranch: string; position: number },
): Branch {
  return {
    id: Bun.randomUUIDv7(),
    chat_id: chatId,
    name: from.name,
    parent_branch_id: from.parent,
    fork_branch_id: from.forkBranch,
    fork_position: from.position,
    created_by: idOf(actor),
    created_at: at,
  }
}
