import { and, count, desc, eq, isNotNull, isNull, sql } from 'drizzle-orm'
import type { Database } from '../../db/open.ts'
import { branches, chats } from '../../db/schema.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import type { Doors } from './doors.ts'
import type { BranchRow, ChatRow } from './rows.ts'

export type NewChatRow = Pick<
  ChatRow,
  'id' | 'title' | 'owner_id' | 'metadata' | 'created_at' | 'updated_at' | 'last_seq'
> & {
  rootName: string | null
  createdBy: string | null
}

/** The chats that changed last first: along `chats_owner_updated_index`, sorted within an hour. */
export const NEWEST_FIRST = [desc(chats.updated_hour), desc(chats.updated_at), desc(chats.id)] as const

export class ChatStore {
  readonly #database: Database
  readonly #doors

  constructor(database: Database) {
    this.#database = database
    this.#doors = database.orm
      .select({
        owner_id: chats.owner_id,
        customer_id: chats.customer_id,
        agent_id: chats.agent_id,
        handling: chats.handling,
        deleted_at: chats.deleted_at,
      })
      .from(chats)
      // By nothing but its key: a plan that was made while there were no chats would go along all that are not deleted.
      .where(eq(chats.id, sql.placeholder('id')))
      .prepare('chat_doors')
  }

  /** A chat with its root branch, which has the same id. Resolves to false where its owner has the external id already. */
  async insert(transaction: Transaction, chat: NewChatRow, external?: { owner: string; id: string }): Promise<boolean> {
    // One statement: each of the two rows names the other.
    const { count: inserted } = await transaction.execute(sql`
      WITH chat AS (
        INSERT INTO chats (id, title, owner_id, external_owner, external_id, metadata, active_branch_id, last_seq,
          created_at, updated_at)
        VALUES (${chat.id}, ${chat.title}, ${chat.owner_id}, ${external?.owner ?? null}, ${external?.id ?? null},
          ${JSON.stringify(chat.metadata)}::jsonb, ${chat.id}, ${chat.last_seq}, ${chat.created_at}, ${chat.updated_at})
        ON CONFLICT (external_owner, external_id) DO NOTHING RETURNING id, created_at)
      INSERT INTO branches (id, chat_id, name, created_by, created_at)
      SELECT id, id, ${chat.rootName}, ${chat.createdBy}, created_at FROM chat`)
    return inserted > 0
  }

  /** Who may do what in a chat that is not deleted; `undefined` where there is no such chat. */
  async doors(chatId: string): Promise<Doors | undefined> {
    const [row] = await this.#database.within(() => this.#doors.execute({ id: chatId }))
    if (row === undefined) return undefined
    const { deleted_at, ...doors } = row
    return deleted_at === null ? doors : undefined
  }

  /** Deleted ones too. */
  async find(chatId: string): Promise<ChatRow | undefined> {
    const [row] = await this.#database.within(() => this.#database.orm.select().from(chats).where(eq(chats.id, chatId)))
    return row
  }

  /** The newest changed first. */
  async ownedBy(
    owner: string,
    { skip, limit, archived }: { skip: number; limit: number; archived: boolean },
  ): Promise<{ rows: ChatRow[]; total: number }> {
    const mine = and(
      eq(chats.owner_id, owner),
      isNull(chats.deleted_at),
      archived ? isNotNull(chats.archived_at) : isNull(chats.archived_at),
    )
    return this.#database.within(async () => {
      const { orm } = this.#database
      const [rows, [counted]] = await Promise.all([
        orm
          .select()
          .from(chats)
          .where(mine)
          .orderBy(...NEWEST_FIRST)
          .limit(limit)
          .offset(skip),
        orm.select({ total: count() }).from(chats).where(mine),
      ])
      return { rows, total: counted?.total ?? 0 }
    })
  }

  async update(
    transaction: Transaction,
    chatId: string,
    change: Partial<
      Pick<ChatRow, 'title' | 'metadata' | 'archived_at' | 'deleted_at' | 'active_branch_id' | 'last_seq'>
    >,
  ): Promise<void> {
    await transaction.update(chats).set(change).where(eq(chats.id, chatId))
  }

  /** All branches of a chat, oldest first. */
  async branches(chatId: string, limit: number): Promise<BranchRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select()
        .from(branches)
        .where(eq(branches.chat_id, chatId))
        .orderBy(branches.created_at, branches.id)
        .limit(limit),
    )
  }

  async branch(branchId: string): Promise<BranchRow | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm.select().from(branches).where(eq(branches.id, branchId)),
    )
    return row
  }

  async insertBranch(transaction: Transaction, branch: BranchRow & { head: number }): Promise<void> {
    await transaction.insert(branches).values(branch)
    await transaction
      .update(chats)
      .set({ branch_count: sql`${chats.branch_count} + 1` })
      .where(eq(chats.id, branch.chat_id))
  }

  async renameBranch(transaction: Transaction, branchId: string, name: string | null): Promise<void> {
    await transaction.update(branches).set({ name }).where(eq(branches.id, branchId))
  }
}
