import { and, count, desc, eq, inArray, isNull, or, sql } from 'drizzle-orm'
import type { Database } from '../../db/open.ts'
import { blob_removals, files } from '../../db/schema.ts'
import type { AccountActor } from '../accounts/actor.ts'
import { assertStanding } from '../accounts/transaction-store.ts'
import { Refusal } from '../refusal.ts'
import type { FileRow } from './rows.ts'

export type NewFile = Pick<
  FileRow,
  'id' | 'name' | 'original_name' | 'mime_type' | 'file_type' | 'size' | 'sha256' | 'state' | 'reason'
>

const COLUMNS = {
  id: files.id,
  owner_id: files.owner_id,
  name: files.name,
  original_name: files.original_name,
  mime_type: files.mime_type,
  file_type: files.file_type,
  size: files.size,
  sha256: files.sha256,
  state: files.state,
  reason: files.reason,
  has_preview: files.has_preview,
  created_at: files.created_at,
  updated_at: files.updated_at,
}

/** Who looks at a file: an account; or a visitor, who is the customer of support sessions and nothing else. */
export type Viewer = { accountId: string } | { customerId: string }

/** A message that has the file, in a chat that the viewer may read. */
function shownTo(viewer: Viewer) {
  const isTheirs =
    'accountId' in viewer
      ? sql`${viewer.accountId} IN (chat.owner_id::text, chat.customer_id, chat.agent_id)`
      : sql`chat.customer_id = ${viewer.customerId}`
  return sql`EXISTS (
    SELECT FROM message_files AS attached
    JOIN messages AS message ON message.id = attached.message_id AND message.deleted_at IS NULL
    JOIN chats AS chat ON chat.id = message.chat_id AND chat.deleted_at IS NULL
    WHERE attached.file_id = ${files.id} AND ${isTheirs})`
}

export class FileStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Says that bytes are about to be written under this name, which nothing refers to unless `add` takes it out again. */
  async expect(name: string, seconds: number): Promise<void> {
    await this.#database.within(() =>
      this.#database.orm
        .insert(blob_removals)
        .values({ name, due_at: sql`now() + make_interval(secs => ${seconds})` })
        .onConflictDoUpdate({ target: blob_removals.name, set: { due_at: sql`excluded.due_at` } }),
    )
  }

  /** Bytes of all files of an account, those too that only messages have. */
  async used(accountId: string): Promise<number> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select({ bytes: sql<string>`coalesce(sum(${files.size}), 0)` })
        .from(files)
        .where(eq(files.owner_id, accountId)),
    )
    return Number(row?.bytes ?? 0)
  }

  /** All of them or none. Throws `Refusal('file_quota_full')` where they are more than the account may have. */
  async add(actor: AccountActor, added: readonly NewFile[], quotaBytes: number): Promise<FileRow[]> {
    const owner_id = actor.accountId
    return this.#database.within(() =>
      this.#database.orm.transaction(async (transaction) => {
        // One after the other: two at once would both find that there is room.
        await transaction.execute(sql`SELECT FROM users WHERE id = ${owner_id} FOR NO KEY UPDATE`)
        await assertStanding(transaction, actor)
        const [row] = await transaction
          .select({ bytes: sql<string>`coalesce(sum(${files.size}), 0)` })
          .from(files)
          .where(eq(files.owner_id, owner_id))
        const bytes = added.reduce((sum, { size }) => sum + size, 0)
        if (Number(row?.bytes ?? 0) + bytes > quotaBytes) throw new Refusal('file_quota_full')
        const names = added.map(({ id }) => id)
        // Taken out by whoever removes what was left behind: this upload took longer than one may.
        const awaited = await transaction
          .delete(blob_removals)
          .where(and(inArray(blob_removals.name, names), eq(blob_removals.claimed, false)))
          .returning({ name: blob_removals.name })
        if (awaited.length < names.length) throw new Refusal('upload_broken')
        return transaction
          .insert(files)
          .values(added.map((file) => ({ ...file, owner_id })))
          .returning(COLUMNS)
      }),
    )
  }

  /** Those of an account, the newest first. */
  async list(accountId: string, { skip, limit }: { skip: number; limit: number }) {
    const own = and(eq(files.owner_id, accountId), isNull(files.deleted_at))
    const [items, totals] = await this.#database.within(() =>
      Promise.all([
        this.#database.orm
          .select(COLUMNS)
          .from(files)
          .where(own)
          .orderBy(desc(files.created_at), desc(files.id))
          .limit(limit)
          .offset(skip),
        this.#database.orm.select({ total: count() }).from(files).where(own),
      ]),
    )
    return { items, total: totals[0]?.total ?? 0 }
  }

  /**
   * A file that an account may see: its own, or one that a message of its chats has. For `null`, whatever is there.
   */
  async find(fileId: string, viewer: Viewer | null): Promise<FileRow | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm.select(COLUMNS).from(files).where(this.#visible(fileId, viewer)),
    )
    return row
  }

  async findWithContent(
    fileId: string,
    viewer: Viewer | null,
  ): Promise<(FileRow & { content: string | null }) | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select({ ...COLUMNS, content: files.content })
        .from(files)
        .where(this.#visible(fileId, viewer)),
    )
    return row
  }

  #visible(fileId: string, viewer: Viewer | null) {
    if (viewer === null) return eq(files.id, fileId)
    const isOwn =
      'accountId' in viewer ? and(eq(files.owner_id, viewer.accountId), isNull(files.deleted_at)) : undefined
    return and(eq(files.id, fileId), or(isOwn, shownTo(viewer)))
  }

  /** Takes it from its owner; and away where no message has it. `undefined` where the owner has no such file. */
  async forget(actor: AccountActor | null, fileId: string): Promise<{ gone: boolean } | undefined> {
    return this.#database.within(() =>
      this.#database.orm.transaction(async (transaction) => {
        if (actor !== null) await assertStanding(transaction, actor)
        const own = actor === null ? undefined : eq(files.owner_id, actor.accountId)
        const [forgotten] = await transaction
          .update(files)
          .set({ deleted_at: sql`now()` })
          .where(and(eq(files.id, fileId), isNull(files.deleted_at), own))
          .returning({ id: files.id })
        if (forgotten === undefined) return undefined
        const removed = await transaction
          .delete(files)
          .where(
            and(
              eq(files.id, fileId),
              sql`NOT EXISTS (SELECT FROM message_files WHERE message_files.file_id = ${fileId})`,
            ),
          )
          .returning({ id: files.id })
        return { gone: removed.length > 0 }
      }),
    )
  }

  /** Names of blobs that are to be removed by now, for the caller to remove: should it not, somebody does later. */
  async claimRemovals(limit: number): Promise<string[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<{ name: string }[]>`
        UPDATE blob_removals SET claimed = true, due_at = now() + interval '10 minutes' WHERE name IN (
          SELECT name FROM blob_removals WHERE due_at <= now() ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
        RETURNING name`,
    )
    return rows.map(({ name }) => name)
  }

  /** Their bytes are gone. */
  async removed(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    await this.#database.within(() =>
      this.#database.orm.delete(blob_removals).where(inArray(blob_removals.name, [...names])),
    )
  }
}
