import { eq } from 'drizzle-orm'
import type { Metadata, SenderType } from '../../contract/chats.ts'
import type { Database } from '../../db/open.ts'
import { chats, support_sessions } from '../../db/schema.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import type { Handling } from '../chats/rows.ts'
import type { SupportRow } from './session.ts'

export type SupportMessageRow = {
  id: string
  sender_type: SenderType
  sender_id: string | null
  content: string
  metadata: Metadata
  created_at: string
}

export type SupportPage = { limit: number; offset: number }

/** `agent`: of those, the ones that this agent holds and those that wait. */
export type SupportList = SupportPage & { activeOnly: boolean; agent: string | null }

export class SupportStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async insert(transaction: Transaction, { handling, ...row }: SupportRow): Promise<void> {
    await transaction.insert(support_sessions).values(row)
    await transaction
      .update(chats)
      .set({ customer_id: row.user_id, agent_id: row.agent_id, handling })
      .where(eq(chats.id, row.chat_id))
  }

  /** The session of a chat that is locked. */
  async locked(transaction: Transaction, chatId: string, handling: Handling | null): Promise<SupportRow | undefined> {
    const [row] = await transaction.select().from(support_sessions).where(eq(support_sessions.chat_id, chatId))
    return row && handling !== null ? { ...row, handling } : undefined
  }

  async save(transaction: Transaction, { handling, first_reply_at: _, ...row }: SupportRow): Promise<void> {
    await transaction.update(support_sessions).set(row).where(eq(support_sessions.chat_id, row.chat_id))
    await transaction.update(chats).set({ agent_id: row.agent_id, handling }).where(eq(chats.id, row.chat_id))
  }

  async find(chatId: string): Promise<SupportRow | undefined> {
    const [row] = await this.#database.within(
      () => this.#database.sql<SupportRow[]>`
        SELECT session.*, chat.handling FROM support_sessions AS session JOIN chats AS chat ON chat.id = session.chat_id
        WHERE session.chat_id = ${chatId} AND chat.deleted_at IS NULL`,
    )
    return row
  }

  /** The newest first. */
  async ofUser(userId: string, { limit, offset, activeOnly, agent }: SupportList): Promise<SupportRow[]> {
    return this.#database.within(
      () => this.#database.sql<SupportRow[]>`
        SELECT session.*, chat.handling FROM support_sessions AS session JOIN chats AS chat ON chat.id = session.chat_id
        WHERE session.user_id = ${userId} AND chat.deleted_at IS NULL AND (NOT ${activeOnly} OR session.status <> 'ended')
          AND (${agent}::text IS NULL OR session.agent_id = ${agent} OR session.waiting_since IS NOT NULL)
        ORDER BY session.created_at DESC, session.chat_id DESC LIMIT ${limit} OFFSET ${offset}`,
    )
  }

  /** What was said in the active branch and is not deleted, oldest first. Of each branch no more is read than is wanted. */
  async messages(chatId: string, { limit, offset }: SupportPage): Promise<SupportMessageRow[]> {
    return this.#database.within(
      () => this.#database.sql<SupportMessageRow[]>`
        WITH RECURSIVE line AS (
          SELECT branch.id, fork_branch_id, fork_position, head AS high
          FROM chats JOIN branches AS branch ON branch.id = chats.active_branch_id WHERE chats.id = ${chatId}
          UNION ALL
          SELECT older.id, older.fork_branch_id, older.fork_position, least(line.high, line.fork_position)
          FROM line JOIN branches AS older ON older.id = line.fork_branch_id
        )
        SELECT message.* FROM line CROSS JOIN LATERAL (
          SELECT id, position, sender_type, sender_id, content, metadata, created_at FROM messages
          WHERE branch_id = line.id AND position <= line.high AND deleted_at IS NULL
            AND content <> '' AND status NOT IN ('pending', 'processing')
          ORDER BY position LIMIT ${limit + offset}) AS message
        ORDER BY message.position LIMIT ${limit} OFFSET ${offset}`,
    )
  }

  /** The support session that a message was said in. */
  async sessionOf(messageId: string): Promise<string | undefined> {
    const [row] = await this.#database.within(
      () => this.#database.sql<{ chat_id: string }[]>`
        SELECT session.chat_id FROM messages AS message JOIN support_sessions AS session USING (chat_id)
        WHERE message.id = ${messageId}`,
    )
    return row?.chat_id
  }
}
