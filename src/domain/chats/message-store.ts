import { and, asc, count, eq, sql } from 'drizzle-orm'
import type { MessageStatus } from '../../contract/chats.ts'
import type { Database } from '../../db/open.ts'
import { branches, message_extensions, message_files, messages, read_cursors } from '../../db/schema.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { type AttachedRow, referenceOf, show } from '../files/attachment-store.ts'
import type { NewEvent } from './log-store.ts'
import { type ExtensionRow, isoTime, type MessageRow, messageTypeOf } from './rows.ts'

/** As much of a message as a change of it asks for. */
export type MessageHead = {
  id: string
  branch_id: string
  position: number
  sender_type: string
  sender_id: string | null
  content: string
  status: MessageStatus
  deleted_at: string | null
}

export type FirstSaid = Pick<MessageHead, 'id' | 'branch_id' | 'position' | 'sender_id' | 'content'> & {
  parent_branch_id: string | null
  fork_position: number
}

/** What a message is before it has its place in the log. */
type Said = Pick<
  MessageRow,
  | 'id'
  | 'chat_id'
  | 'branch_id'
  | 'position'
  | 'sender_type'
  | 'sender_id'
  | 'content'
  | 'status'
  | 'metadata'
  | 'client_id'
>

export type ReadCursor = { branch_id: string; position: number; updated_at: string }

/** What is left of such an event's data once the log is to say nothing of it. */
const WITHOUT_ATTACHMENT = sql`jsonb_build_object('attachment', (events.data::jsonb -> 'attachment')
  || '{"url": "", "name": "", "type": null, "size": null}'::jsonb)`
const WITHOUT_FILE = sql`jsonb_build_object('file', (events.data::jsonb -> 'file') - 'preview_url' || '{"name": ""}'::jsonb)`

/** Writes to messages and what hangs on them, inside a change of their chat. */
export class MessageStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async find(transaction: Transaction, chatId: string, messageId: string): Promise<MessageHead | undefined> {
    const [row] = await transaction
      .select({
        id: messages.id,
        branch_id: messages.branch_id,
        position: messages.position,
        sender_type: messages.sender_type,
        sender_id: messages.sender_id,
        content: messages.content,
        status: messages.status,
        deleted_at: messages.deleted_at,
      })
      .from(messages)
      .where(and(eq(messages.id, messageId), eq(messages.chat_id, chatId)))
    return row
  }

  /** The new content; what it said before stays as an extension. */
  async edit(
    transaction: Transaction,
    message: MessageHead,
    content: string,
    { by, at, seq }: { by: string | null; at: string; seq: number },
  ): Promise<void> {
    await transaction.insert(message_extensions).values({
      id: Bun.randomUUIDv7(),
      message_id: message.id,
      type: 'edit',
      sender_id: by,
      // The event that tells of the edit, so that it can be found again: see `remove`.
      data: { content: message.content, seq },
      created_at: at,
    })
    await transaction
      .update(messages)
      .set({ content, edited_at: at, extended: true })
      .where(eq(messages.id, message.id))
  }

  /** Its text leaves the log as well: what is read again from there has the same places and nothing to read in them. */
  async remove(transaction: Transaction, messageId: string, at: string): Promise<void> {
    await transaction.execute(sql`
      UPDATE events SET data = (data::jsonb - 'files' - 'sources' || CASE type
        WHEN 'message.created' THEN '{"content": "", "metadata": {}}'::jsonb
        WHEN 'answer.ended' THEN '{"content": "", "sources": []}'::jsonb
        WHEN 'attachment.added' THEN ${WITHOUT_ATTACHMENT}
        WHEN 'file.attached' THEN ${WITHOUT_FILE}
        ELSE '{"content": ""}'::jsonb END)::json
      FROM (
        SELECT chat_id, seq FROM messages WHERE id = ${messageId}
        UNION ALL
        SELECT message.chat_id, (said.data ->> 'seq')::bigint FROM messages AS message
        JOIN message_extensions AS said ON said.message_id = message.id AND said.type IN ('edit', 'attachment')
        WHERE message.id = ${messageId}
        UNION ALL
        SELECT message.chat_id, attached.seq FROM messages AS message
        JOIN message_files AS attached ON attached.message_id = message.id
        WHERE message.id = ${messageId}
        UNION ALL
        SELECT chat_id, ended_seq FROM answers WHERE message_id = ${messageId}
      ) AS said
      WHERE events.chat_id = said.chat_id AND events.seq = said.seq
        AND events.type IN ('message.created', 'message.edited', 'answer.ended', 'attachment.added', 'file.attached')`)
    await transaction.delete(message_files).where(eq(message_files.message_id, messageId))
    await transaction.update(messages).set({ deleted_at: at }).where(eq(messages.id, messageId))
  }

  /** One attachment, of this kind of event, leaves the log by itself. */
  async unsay(
    transaction: Transaction,
    chatId: string,
    seq: number,
    type: 'attachment.added' | 'file.attached',
  ): Promise<void> {
    const left = type === 'attachment.added' ? WITHOUT_ATTACHMENT : WITHOUT_FILE
    await transaction.execute(sql`
      UPDATE events SET data = (data::jsonb || ${left})::json
      WHERE chat_id = ${chatId} AND seq = ${seq} AND type = ${type}`)
  }

  /** How many of a kind hang on a message. */
  async count(transaction: Transaction, messageId: string, type: ExtensionRow['type']): Promise<number> {
    const [row] = await transaction
      .select({ number: count() })
      .from(message_extensions)
      .where(and(eq(message_extensions.message_id, messageId), eq(message_extensions.type, type)))
    return row?.number ?? 0
  }

  /** What a message said before each edit, oldest first. */
  async edits(messageId: string): Promise<{ content: string; replaced_at: string; replaced_by: string | null }[]> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .select({ data: message_extensions.data, at: message_extensions.created_at, by: message_extensions.sender_id })
        .from(message_extensions)
        .where(and(eq(message_extensions.message_id, messageId), eq(message_extensions.type, 'edit')))
        .orderBy(asc(message_extensions.created_at), asc(message_extensions.id)),
    )
    return rows.map(({ data, at, by }) => ({
      content: String(data['content']),
      replaced_at: isoTime(at),
      replaced_by: by,
    }))
  }

  /** One sender's reactions to a message. */
  async reactionsBy(transaction: Transaction, messageId: string, sender: string): Promise<string[]> {
    const rows = await transaction
      .select({ data: message_extensions.data })
      .from(message_extensions)
      .where(
        and(
          eq(message_extensions.message_id, messageId),
          eq(message_extensions.type, 'reaction'),
          eq(message_extensions.sender_id, sender),
        ),
      )
    return rows.map(({ data }) => String(data['key']))
  }

  async react(transaction: Transaction, messageId: string, sender: string, key: string, at: string): Promise<void> {
    await transaction.insert(message_extensions).values({
      id: Bun.randomUUIDv7(),
      message_id: messageId,
      type: 'reaction',
      sender_id: sender,
      data: { key },
      created_at: at,
    })
    await transaction.update(messages).set({ extended: true }).where(eq(messages.id, messageId))
  }

  async unreact(transaction: Transaction, messageId: string, sender: string, key: string): Promise<void> {
    await transaction
      .delete(message_extensions)
      .where(
        and(
          eq(message_extensions.message_id, messageId),
          eq(message_extensions.type, 'reaction'),
          eq(message_extensions.sender_id, sender),
          sql`${message_extensions.data} ->> 'key' = ${key}`,
        ),
      )
  }

  /**
   * A message that goes with other changes of its chat, and what it shows. Resolves to the event that tells of it, which is
   * to be the one of that `seq`. `status`: where an event behind that one says what it has become.
   */
  async insert(
    transaction: Transaction,
    said: Said,
    { seq, at, status = said.status }: { seq: number; at: string; status?: MessageStatus },
    files: readonly AttachedRow[] = [],
  ): Promise<NewEvent> {
    const row = { ...said, seq, status, created_at: at, extended: files.length > 0 }
    const [inserted] = await transaction.insert(messages).values(row).returning({ number: messages.number })
    if (inserted === undefined) throw new Error('The database kept no message.')
    await transaction.update(branches).set({ head: said.position }).where(eq(branches.id, said.branch_id))
    await show(transaction, said.id, files)
    const shown = files.length > 0 ? { files: files.map(referenceOf) } : {}
    const told = { ...said, message_type: messageTypeOf(said.sender_type), number: inserted.number, ...shown }
    return { type: 'message.created', data: told }
  }

  /** A message by its sender's own id of it, with what it said first, and where its branch begins. */
  async findByClientId(transaction: Transaction, chatId: string, clientId: string): Promise<FirstSaid | undefined> {
    const [row] = await transaction
      .select({
        id: messages.id,
        branch_id: messages.branch_id,
        position: messages.position,
        sender_id: messages.sender_id,
        content: sql<string>`coalesce((SELECT data ->> 'content' FROM message_extensions AS edit
          WHERE edit.message_id = ${messages.id} AND type = 'edit' ORDER BY edit.created_at, edit.id LIMIT 1),
          ${messages.content})`,
        parent_branch_id: branches.parent_branch_id,
        fork_position: branches.fork_position,
      })
      .from(messages)
      .innerJoin(branches, eq(branches.id, messages.branch_id))
      .where(and(eq(messages.chat_id, chatId), eq(messages.client_id, clientId)))
    return row
  }

  async readCursor(chatId: string, userId: string): Promise<ReadCursor | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select()
        .from(read_cursors)
        .where(and(eq(read_cursors.chat_id, chatId), eq(read_cursors.user_id, userId))),
    )
    return row && { branch_id: row.branch_id, position: row.position, updated_at: isoTime(row.updated_at) }
  }

  async moveReadCursor(
    transaction: Transaction,
    cursor: { chat_id: string; user_id: string; branch_id: string; position: number; updated_at: string },
  ): Promise<void> {
    const { branch_id, position, updated_at } = cursor
    await transaction
      .insert(read_cursors)
      .values(cursor)
      .onConflictDoUpdate({
        target: [read_cursors.chat_id, read_cursors.user_id],
        set: { branch_id, position, updated_at },
      })
  }
}
