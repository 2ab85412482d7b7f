import { and, asc, between, desc, eq, inArray, lte, sql } from 'drizzle-orm'
import { compareAttachments, compareReactions } from '../../contract/chat-state.ts'
import type { Attachment, Reaction, Source } from '../../contract/chats.ts'
import type { Database } from '../../db/open.ts'
import { branches, message_extensions, messages, sources } from '../../db/schema.ts'
import { filesOf } from '../files/attachment-store.ts'
import { attachmentOf, isoTime, type MessageRow, reactionOf } from './rows.ts'

/** Where a branch leaves the one it comes from. It never changes. */
export type Fork = { id: string; chatId: string; forkBranchId: string | null; forkPosition: number }

/** A stretch of one branch's own messages, both ends included. */
export type Stretch = { branchId: string; low: number; high: number }

const COLUMNS = {
  id: messages.id,
  chat_id: messages.chat_id,
  branch_id: messages.branch_id,
  position: messages.position,
  seq: messages.seq,
  sender_type: messages.sender_type,
  sender_id: messages.sender_id,
  content: messages.content,
  status: messages.status,
  metadata: messages.metadata,
  client_id: messages.client_id,
  extended: messages.extended,
  created_at: messages.created_at,
  edited_at: messages.edited_at,
  settled_at: messages.settled_at,
  deleted_at: messages.deleted_at,
}

type BareRow = Omit<MessageRow, 'reactions' | 'sources' | 'files' | 'attachments'>
/** A message as its own table has it. */
export type StoredMessage = BareRow & { extended: boolean }

/** Reads of messages along a branch's history. Every one of them is a walk along `messages_branch_position_key`. */
export class HistoryStore {
  readonly #database: Database
  readonly #newest
  readonly #stretch

  constructor(database: Database) {
    this.#database = database
    const { orm } = database
    const branch = eq(messages.branch_id, sql.placeholder('branch'))
    this.#newest = orm
      .select(COLUMNS)
      .from(messages)
      .where(and(branch, lte(messages.position, sql.placeholder('high'))))
      .orderBy(desc(messages.position))
      .limit(sql.placeholder('limit'))
      .prepare('history_newest')
    this.#stretch = orm
      .select(COLUMNS)
      .from(messages)
      .where(and(branch, between(messages.position, sql.placeholder('low'), sql.placeholder('high'))))
      .orderBy(asc(messages.position))
      .prepare('history_stretch')
  }

  /** The newest of a branch's own messages up to a position, newest first. */
  async newest(branch: string, high: number, limit: number): Promise<MessageRow[]> {
    return this.#withExtensions(await this.#database.within(() => this.#newest.execute({ branch, high, limit })))
  }

  /** The messages of some stretches, by position. */
  async stretches(all: readonly Stretch[]): Promise<MessageRow[]> {
    const [first, ...others] = all
    if (first === undefined) return []
    if (others.length === 0) {
      const { branchId: branch, low, high } = first
      return this.#withExtensions(await this.#database.within(() => this.#stretch.execute({ branch, low, high })))
    }
    const { sql: query } = this.#database
    const branchIds = all.map(({ branchId }) => branchId)
    const lows = all.map(({ low }) => low)
    const highs = all.map(({ high }) => high)
    // Every stretch is an index scan of its own, which OFFSET keeps: a join would let the planner read whole branches.
    const rows = await this.#database.within(
      () => query<StoredMessage[]>`
        SELECT message.* FROM unnest(${branchIds}::uuid[], ${lows}::int[], ${highs}::int[]) AS stretch(branch_id, low, high)
        CROSS JOIN LATERAL (
          SELECT ${query(Object.keys(COLUMNS))} FROM messages
          WHERE branch_id = stretch.branch_id AND position BETWEEN stretch.low AND stretch.high OFFSET 0) AS message
        ORDER BY position`,
    )
    return this.#withExtensions(rows)
  }

  /** A branch and all that it comes from, up to the root, in one query however deep it is, by one look-up for each. */
  async ancestry(branchId: string): Promise<Fork[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<{ id: string; chat_id: string; fork_branch_id: string | null; fork_position: number }[]>`
        WITH RECURSIVE line AS (
          SELECT id, chat_id, fork_branch_id, fork_position FROM branches WHERE id = ${branchId}
          UNION ALL
          SELECT older.* FROM line CROSS JOIN LATERAL (
            SELECT id, chat_id, fork_branch_id, fork_position FROM branches WHERE id = line.fork_branch_id OFFSET 0
          ) AS older
        ) SELECT * FROM line`,
    )
    return rows.map(({ id, chat_id, fork_branch_id, fork_position }) => ({
      id,
      chatId: chat_id,
      forkBranchId: fork_branch_id,
      forkPosition: fork_position,
    }))
  }

  /** The position of a branch's newest message. */
  async head(branchId: string): Promise<number | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm.select({ head: branches.head }).from(branches).where(eq(branches.id, branchId)),
    )
    return row?.head
  }

  async message(messageId: string): Promise<MessageRow | undefined> {
    const rows = await this.#database.within(() =>
      this.#database.orm.select(COLUMNS).from(messages).where(eq(messages.id, messageId)),
    )
    return (await this.#withExtensions(rows))[0]
  }

  /** In no order; those that there are. */
  async messages(messageIds: readonly string[]): Promise<MessageRow[]> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .select(COLUMNS)
        .from(messages)
        .where(inArray(messages.id, [...messageIds])),
    )
    return this.#withExtensions(rows)
  }

  /** The id of the message that was posted with this `client_id`. */
  async idOf(chatId: string, clientId: string): Promise<string | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select({ id: messages.id })
        .from(messages)
        .where(and(eq(messages.chat_id, chatId), eq(messages.client_id, clientId))),
    )
    return row?.id
  }

  /**
   * The messages that stand at one position after the same message: of the branch that it was written in, and the first of
   * every branch that forks there. Oldest first.
   */
  async siblings(branchId: string, position: number, limit: number): Promise<MessageRow[]> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .select(COLUMNS)
        .from(messages)
        .where(
          and(
            eq(messages.position, position),
            sql`${messages.branch_id} IN (
              SELECT ${branchId}::uuid UNION ALL
              SELECT id FROM branches WHERE fork_branch_id = ${branchId} AND fork_position = ${position - 1})`,
          ),
        )
        .orderBy(asc(messages.seq))
        .limit(limit),
    )
    return this.#withExtensions(rows)
  }

  async #withExtensions(rows: StoredMessage[]): Promise<MessageRow[]> {
    const extended = rows.filter((row) => row.extended && row.deleted_at === null).map(({ id }) => id)
    if (extended.length === 0) return rows
    const [{ reactions, attachments }, cited, files] = await Promise.all([
      this.#hanging(extended),
      this.#sources(extended),
      filesOf(this.#database, extended),
    ])
    return rows.map((row) => ({
      ...row,
      reactions: reactions.get(row.id),
      sources: cited.get(row.id),
      files: files.get(row.id),
      attachments: attachments.get(row.id),
    }))
  }

  /** Reactions and attachments, each in order. */
  async #hanging(
    messageIds: string[],
  ): Promise<{ reactions: Map<string, Reaction[]>; attachments: Map<string, Attachment[]> }> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .select()
        .from(message_extensions)
        .where(
          and(
            inArray(message_extensions.message_id, messageIds),
            inArray(message_extensions.type, ['reaction', 'attachment']),
          ),
        ),
    )
    const reactions = new Map<string, Reaction[]>()
    const attachments = new Map<string, Attachment[]>()
    for (const row of rows) {
      if (row.type === 'reaction') addTo(reactions, row.message_id, reactionOf(row))
      else addTo(attachments, row.message_id, attachmentOf(row))
    }
    for (const each of reactions.values()) each.sort(compareReactions)
    for (const each of attachments.values()) each.sort(compareAttachments)
    return { reactions, attachments }
  }

  async #sources(messageIds: string[]): Promise<Map<string, Source[]>> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .select()
        .from(sources)
        .where(inArray(sources.message_id, messageIds))
        .orderBy(asc(sources.message_id), asc(sources.position)),
    )
    return Map.groupBy(rows.map(sourceOf), (source) => source.message_id)
  }
}

function addTo<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}

function sourceOf({ url, content, created_at, position: _, ...source }: typeof sources.$inferSelect): Source {
  return {
    ...source,
    ...(url === null ? {} : { url }),
    ...(content === null ? {} : { content }),
    created_at: isoTime(created_at),
  }
}
