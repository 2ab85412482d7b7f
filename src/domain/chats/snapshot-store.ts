import { type Answering, NO_ANSWERING, toldAnswering } from '../../contract/answering.ts'
import type { Message } from '../../contract/chats.ts'
import type { ChatSnapshot } from '../../contract/live.ts'
import type { Database } from '../../db/open.ts'
import { History } from './history.ts'
import { HistoryStore, type StoredMessage } from './history-store.ts'
import { type BranchRow, branchOf, type ChatRow, chatOf, isoTime, messageOf } from './rows.ts'

export type SnapshotLimits = { messages: number; branches: number; readCursors: number }

/** What one statement reads of a chat. */
type StoredChat = {
  chat: ChatRow
  /** The active one and the newest others, oldest first. */
  branches: BranchRow[]
  /** Of the active branch's own messages the newest, oldest first. */
  messages: StoredMessage[]
  cursors: { user_id: string; branch_id: string; position: number; updated_at: string }[]
  answering: Answering | null
}

/** Chats as of one `seq`, deleted ones too. */
export class SnapshotStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async read(chatId: string, limits: SnapshotLimits): Promise<ChatSnapshot | undefined> {
    // Whoever comes back after a lost connection asks for one, and so do all at once: what most chats need is read by one
    // statement, which sees one state of everything by itself.
    const stored = await this.#database.within(() => storedChat(this.#database, chatId, limits))
    if (stored === undefined) return undefined
    if (isWhole(stored, limits)) return snapshotOf(stored, stored.messages.map(messageOf))
    return this.#database.snapshot(async (view) => {
      const rest = await storedChat(view, chatId, { ...limits, messages: 0 })
      if (rest === undefined) return undefined
      const history = new History(new HistoryStore(view))
      return snapshotOf(rest, await history.page(rest.chat.active_branch_id, { from: 'end', limit: limits.messages }))
    })
  }
}

/** Whether nothing hangs on the messages, and none before them is in the history. */
function isWhole({ chat, branches, messages }: StoredChat, limits: SnapshotLimits): boolean {
  if (messages.some(({ extended, deleted_at }) => extended && deleted_at === null)) return false
  if (messages.length === limits.messages) return true
  return branches.some(({ id, fork_branch_id }) => id === chat.active_branch_id && fork_branch_id === null)
}

function snapshotOf({ chat, branches, cursors, answering }: StoredChat, messages: Message[]): ChatSnapshot {
  return {
    chat: chatOf(chat),
    branches: branches.map(branchOf),
    messages,
    answering: toldAnswering(answering ?? NO_ANSWERING),
    read_cursors: Object.fromEntries(
      cursors.map(({ user_id, branch_id, position, updated_at }) => [
        user_id,
        { branch_id, position, updated_at: isoTime(updated_at) },
      ]),
    ),
  }
}

async function storedChat({ sql }: Database, chatId: string, limits: SnapshotLimits): Promise<StoredChat | undefined> {
  const [row] = await sql<{ stored: StoredChat }[]>`
    SELECT json_build_object(
      'chat', row_to_json(chat),
      'branches', (
        SELECT json_agg(branch ORDER BY created_at, id) FROM (
          (SELECT id, chat_id, name, parent_branch_id, fork_branch_id, fork_position, created_by, created_at
            FROM branches WHERE chat_id = chat.id ORDER BY created_at DESC, id DESC LIMIT ${limits.branches})
          UNION
          SELECT id, chat_id, name, parent_branch_id, fork_branch_id, fork_position, created_by, created_at
            FROM branches WHERE id = chat.active_branch_id
        ) AS branch),
      'messages', (
        SELECT coalesce(json_agg(message ORDER BY position), '[]') FROM (
          SELECT id, chat_id, branch_id, position, seq, sender_type, sender_id, content, status, metadata, client_id,
            extended, created_at, edited_at, settled_at, deleted_at
          FROM messages WHERE branch_id = chat.active_branch_id ORDER BY position DESC LIMIT ${limits.messages}
        ) AS message),
      'cursors', (
        SELECT coalesce(json_agg(cursor), '[]') FROM (
          SELECT user_id, branch_id, position, updated_at FROM read_cursors WHERE chat_id = chat.id
          ORDER BY updated_at DESC LIMIT ${limits.readCursors}
        ) AS cursor),
      'answering', (
        SELECT row_to_json(answering) FROM (
          SELECT answerer, system_prompt, history_messages, history_length FROM chat_answering WHERE chat_id = chat.id
        ) AS answering)
    ) AS stored FROM chats AS chat WHERE id = ${chatId}`
  return row?.stored
}
