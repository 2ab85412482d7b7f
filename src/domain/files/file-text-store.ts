import { and, count, inArray, sql } from 'drizzle-orm'
import type { FileState } from '../../contract/files.ts'
import type { Database } from '../../db/open.ts'
import { files } from '../../db/schema.ts'

/** `more`: there is more of it than this. */
export type FileText = { name: string; state: FileState; reason: string | null; text: string | null; more: boolean }

export class FileTextStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** How many of them are not read yet. */
  async unread(fileIds: string[]): Promise<number> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select({ unread: count() })
        .from(files)
        .where(and(inArray(files.id, fileIds), inArray(files.state, ['pending', 'processing']))),
    )
    return row?.unread ?? 0
  }

  /** By id, each with so many characters of its text at most. */
  async texts(fileIds: string[], length: number): Promise<Map<string, FileText>> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .select({
          id: files.id,
          name: files.name,
          state: files.state,
          reason: files.reason,
          text: sql<string | null>`left(${files.content}, ${length})`,
          more: sql<boolean>`coalesce(length(${files.content}) > ${length}, false)`,
        })
        .from(files)
        .where(inArray(files.id, fileIds)),
    )
    return new Map(rows.map(({ id, ...text }) => [id, text]))
  }
}
