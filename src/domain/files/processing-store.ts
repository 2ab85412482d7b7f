import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Database } from '../../db/open.ts'
import { blob_removals, files, message_files, messages } from '../../db/schema.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import type { Extracted, FileToRead } from '../ports.ts'
import { previewName } from './rows.ts'

const UNFINISHED = ['pending', 'processing'] as const

/** A file that is being read: what is made of it, and who is told. */
export class ProcessingStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Says that it is being read. `undefined` where there is nothing to read any more. */
  async begin(fileId: string): Promise<FileToRead | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .update(files)
        .set({ state: 'processing', updated_at: sql`now()` })
        .where(and(eq(files.id, fileId), inArray(files.state, UNFINISHED)))
        .returning({ name: files.name, mime: files.mime_type, type: files.file_type, size: files.size }),
    )
    return row
  }

  /** Counts a try that failed. Resolves to how many did. */
  async missed(fileId: string): Promise<number> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .update(files)
        .set({ tries: sql`${files.tries} + 1`, updated_at: sql`now()` })
        .where(eq(files.id, fileId))
        .returning({ tries: files.tries }),
    )
    return row?.tries ?? 0
  }

  /**
   * What was made of it, once: resolves to whether it was this call's. Where there is a preview its bytes are there already,
   * and are now the file's.
   */
  async finish(fileId: string, { failed, content, reason, preview }: Extracted): Promise<boolean> {
    return this.#database.within(() =>
      this.#database.orm.transaction(async (transaction) => {
        const has_preview = preview !== undefined
        const finished = await transaction
          .update(files)
          .set({ state: failed ? 'failed' : 'ready', content, reason, has_preview, updated_at: sql`now()` })
          .where(and(eq(files.id, fileId), inArray(files.state, UNFINISHED)))
          .returning({ id: files.id })
        if (finished.length === 0) return false
        if (has_preview) await transaction.delete(blob_removals).where(eq(blob_removals.name, previewName(fileId)))
        return true
      }),
    )
  }

  /** Keeps the bytes of a preview that another process has finished with. Resolves to whether there is one. */
  async keepPreview(fileId: string): Promise<boolean> {
    return this.#database.within(() =>
      this.#database.orm.transaction(async (transaction) => {
        const [file] = await transaction
          .select({ id: files.id })
          .from(files)
          .where(and(eq(files.id, fileId), eq(files.has_preview, true)))
          .for('share')
        if (file === undefined) return false
        await transaction.delete(blob_removals).where(eq(blob_removals.name, previewName(fileId)))
        return true
      }),
    )
  }

  /** Chats with messages that have the file, and whose log has not told what became of it. */
  async untold(fileId: string): Promise<string[]> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .selectDistinct({ chat_id: messages.chat_id })
        .from(message_files)
        .innerJoin(messages, eq(messages.id, message_files.message_id))
        .innerJoin(files, eq(files.id, message_files.file_id))
        .where(
          and(
            eq(message_files.file_id, fileId),
            eq(message_files.told, false),
            inArray(files.state, ['ready', 'failed']),
          ),
        ),
    )
    return rows.map(({ chat_id }) => chat_id)
  }

  /** Notes, in a change of the chat, that its log tells now. Resolves to the messages, and what became of the file. */
  async tell(transaction: Transaction, fileId: string, chatId: string) {
    return transaction.execute<{
      message_id: string
      state: 'ready' | 'failed'
      reason: string | null
      has_preview: boolean
    }>(sql`
      UPDATE message_files SET told = true FROM messages AS message, files AS file
      WHERE message_files.file_id = ${fileId} AND NOT message_files.told AND message.id = message_files.message_id
        AND message.chat_id = ${chatId} AND file.id = message_files.file_id AND file.state IN ('ready', 'failed')
      RETURNING message.id AS message_id, file.state, file.reason, file.has_preview`)
  }

  /** Files that wait to be read, or told of, for longer than their jobs should take: those jobs are lost. */
  async waiting(seconds: number, limit: number): Promise<string[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<{ id: string }[]>`
        SELECT id FROM files
        WHERE state IN ('pending', 'processing') AND updated_at < now() - make_interval(secs => ${seconds})
        ORDER BY updated_at LIMIT ${limit}`,
    )
    return rows.map(({ id }) => id)
  }

  /** To be read again from the start. Resolves to whether there is such a file. */
  async reset(fileId: string): Promise<boolean> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .update(files)
        .set({ state: 'pending', tries: 0, reason: null, updated_at: sql`now()` })
        .where(and(eq(files.id, fileId), eq(files.state, 'failed')))
        .returning({ id: files.id }),
    )
    return rows.length > 0
  }
}
