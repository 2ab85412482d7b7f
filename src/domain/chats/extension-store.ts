import { and, eq, sql } from 'drizzle-orm'
import type { ExtensionType, KeptUrl } from '../../contract/extensions.ts'
import type { Database } from '../../db/open.ts'
import { chats, message_extensions, message_files, messages } from '../../db/schema.ts'
import { isPrivileged, type Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import type { AttachedRow } from '../files/attachment-store.ts'
import type { ExtensionRow } from './rows.ts'

/** A file of a message, as an attachment of it. */
export type FileAttachmentRow = {
  id: string
  name: string
  mime_type: string
  size: string
  sender_id: string | null
  created_at: string
}

/** What hangs on messages, one by one. */
export class ExtensionStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** The chat of a message, and for whom that is where it is a support session. Deleted ones too. */
  async chatOf(messageId: string): Promise<{ chat_id: string; customer_id: string | null } | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select({ chat_id: messages.chat_id, customer_id: chats.customer_id })
        .from(messages)
        .innerJoin(chats, eq(chats.id, messages.chat_id))
        .where(eq(messages.id, messageId)),
    )
    return row
  }

  /** But for its files; of one type, where one is named. In no order. */
  async of(messageId: string, type?: ExtensionType): Promise<ExtensionRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select()
        .from(message_extensions)
        .where(
          and(
            eq(message_extensions.message_id, messageId),
            type === undefined ? undefined : eq(message_extensions.type, type),
          ),
        ),
    )
  }

  /** In no order. What came with the message is its sender's, and as old as it. */
  async filesOf(messageId: string): Promise<FileAttachmentRow[]> {
    return this.#database.within(
      () => this.#database.sql<FileAttachmentRow[]>`
        SELECT file.id, file.name, file.mime_type, file.size,
          CASE WHEN attached.seq IS NULL THEN message.sender_id ELSE attached.sender_id END AS sender_id,
          coalesce(attached.created_at, message.created_at) AS created_at
        FROM message_files AS attached
          JOIN messages AS message ON message.id = attached.message_id
          JOIN files AS file ON file.id = attached.file_id
        WHERE attached.message_id = ${messageId}`,
    )
  }

  // Those below are for a change of the chat.

  async find(transaction: Transaction, messageId: string, id: string): Promise<ExtensionRow | undefined> {
    const [row] = await transaction
      .select()
      .from(message_extensions)
      .where(and(eq(message_extensions.message_id, messageId), eq(message_extensions.id, id)))
    return row
  }

  /** The attachment of this address that the message has. */
  async withUrl(transaction: Transaction, messageId: string, url: string): Promise<ExtensionRow | undefined> {
    const [row] = await transaction
      .select()
      .from(message_extensions)
      .where(
        and(
          eq(message_extensions.message_id, messageId),
          eq(message_extensions.type, 'attachment'),
          sql`${message_extensions.data} ->> 'url' = ${url}`,
        ),
      )
    return row
  }

  /** `seq`: of the event that tells of it. */
  async addUrl(
    transaction: Transaction,
    row: Pick<ExtensionRow, 'id' | 'message_id' | 'sender_id' | 'created_at'>,
    { url, name, type, size }: KeptUrl,
    seq: number,
  ): Promise<void> {
    const data = { url, name, type, size, seq }
    await transaction.insert(message_extensions).values({ ...row, type: 'attachment', data })
    await this.#extend(transaction, row.message_id)
  }

  async remove(transaction: Transaction, id: string): Promise<void> {
    await transaction.delete(message_extensions).where(eq(message_extensions.id, id))
  }

  async fileCount(transaction: Transaction, messageId: string): Promise<number> {
    return transaction.$count(message_files, eq(message_files.message_id, messageId))
  }

  /** Whether the message has the file; with the event that told of it, where it came after the message. */
  async attachedFile(transaction: Transaction, messageId: string, fileId: string) {
    const [row] = await transaction
      .select({ sender_id: message_files.sender_id, seq: message_files.seq })
      .from(message_files)
      .where(and(eq(message_files.message_id, messageId), eq(message_files.file_id, fileId)))
    return row
  }

  /** A file that the actor may attach, which stays as it is until the transaction ends. */
  async lockedFile(transaction: Transaction, actor: Participant, fileId: string): Promise<AttachedRow | undefined> {
    const owner = actor.kind === 'account' ? actor.accountId : null
    const [row] = await transaction.execute<AttachedRow>(sql`
      SELECT id, name, file_type, has_preview, state IN ('ready', 'failed') AS told FROM files
      WHERE id = ${fileId} AND deleted_at IS NULL AND (${isPrivileged(actor)} OR owner_id = ${owner}::uuid) FOR SHARE`)
    return row
  }

  async addFile(
    transaction: Transaction,
    messageId: string,
    { id, told }: AttachedRow,
    by: { sender_id: string | null; created_at: string; seq: number },
  ): Promise<void> {
    const position = sql`(SELECT coalesce(max(position), 0) + 1 FROM message_files WHERE message_id = ${messageId})`
    await transaction.insert(message_files).values({ message_id: messageId, file_id: id, position, told, ...by })
    await this.#extend(transaction, messageId)
  }

  async removeFile(transaction: Transaction, messageId: string, fileId: string): Promise<void> {
    await transaction
      .delete(message_files)
      .where(and(eq(message_files.message_id, messageId), eq(message_files.file_id, fileId)))
  }

  async #extend(transaction: Transaction, messageId: string): Promise<void> {
    await transaction.update(messages).set({ extended: true }).where(eq(messages.id, messageId))
  }
}
