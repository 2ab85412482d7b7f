import { and, asc, desc, eq, gt, inArray, lte } from 'drizzle-orm'
import type { Answering } from '../../contract/answering.ts'
import type { TransferredMessage } from '../../contract/transfer.ts'
import type { Database } from '../../db/open.ts'
import {
  answers,
  branches,
  chats,
  files,
  message_extensions,
  message_files,
  messages,
  sources,
} from '../../db/schema.ts'
import { answeringOf } from './answering-store.ts'
import type { BranchRow, ChatRow, ExtensionRow } from './rows.ts'

export type SourceRow = typeof sources.$inferSelect

export type RunRow = { message_id: string } & NonNullable<TransferredMessage['answer']>

export type ExportedRow = Omit<typeof messages.$inferSelect, 'number' | 'chat_id' | 'client_id' | 'settled_at'>

/** Reads of a whole chat, a bounded part at a time. */
export class ExportStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** A chat and its branches, oldest first, as of one moment. Deleted ones too. */
  async chat(chatId: string): Promise<{ chat: ChatRow; branches: BranchRow[]; answering: Answering } | undefined> {
    return this.#database.within(() =>
      this.#database.orm.transaction(
        async (transaction) => {
          const [chat] = await transaction.select().from(chats).where(eq(chats.id, chatId))
          if (chat === undefined) return undefined
          const own = await transaction
            .select()
            .from(branches)
            .where(eq(branches.chat_id, chatId))
            .orderBy(asc(branches.created_at), asc(branches.id))
          return { chat, branches: own, answering: await answeringOf(transaction, chatId) }
        },
        { isolationLevel: 'repeatable read', accessMode: 'read only' },
      ),
    )
  }

  /** Messages of all branches in the order of writing, along `messages_chat_seq_index`. */
  async messages(
    chatId: string,
    { after, last, limit }: { after: number; last: number; limit: number },
  ): Promise<ExportedRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select({
          id: messages.id,
          branch_id: messages.branch_id,
          position: messages.position,
          seq: messages.seq,
          sender_type: messages.sender_type,
          sender_id: messages.sender_id,
          content: messages.content,
          metadata: messages.metadata,
          status: messages.status,
          extended: messages.extended,
          created_at: messages.created_at,
          edited_at: messages.edited_at,
          deleted_at: messages.deleted_at,
        })
        .from(messages)
        .where(and(eq(messages.chat_id, chatId), gt(messages.seq, after), lte(messages.seq, last)))
        .orderBy(asc(messages.seq))
        .limit(limit),
    )
  }

  /** The files that these messages show, in their order. */
  async files(messageIds: readonly string[]) {
    return this.#database.within(() =>
      this.#database.orm
        .select({
          message_id: message_files.message_id,
          id: files.id,
          name: files.name,
          file_type: files.file_type,
          mime_type: files.mime_type,
          size: files.size,
          sha256: files.sha256,
        })
        .from(message_files)
        .innerJoin(files, eq(files.id, message_files.file_id))
        .where(inArray(message_files.message_id, [...messageIds]))
        .orderBy(asc(message_files.message_id), asc(message_files.position)),
    )
  }

  /** What these messages cite, in their order. */
  async sources(messageIds: readonly string[]): Promise<SourceRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select()
        .from(sources)
        .where(inArray(sources.message_id, [...messageIds]))
        .orderBy(asc(sources.message_id), asc(sources.position)),
    )
  }

  /** How these messages were made: the newest run of each that an answerer wrote, along `answers_message_index`. */
  async runs(messageIds: readonly string[]): Promise<RunRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .selectDistinctOn([answers.message_id], {
          message_id: answers.message_id,
          question_id: answers.question_id,
          answerer: answers.provider,
          usage: answers.usage,
          error: answers.error,
        })
        .from(answers)
        .where(inArray(answers.message_id, [...messageIds]))
        .orderBy(answers.message_id, desc(answers.id)),
    )
  }

  /** What hangs on these messages, oldest first. */
  async extensions(messageIds: readonly string[]): Promise<ExtensionRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select()
        .from(message_extensions)
        .where(inArray(message_extensions.message_id, [...messageIds]))
        .orderBy(asc(message_extensions.created_at), asc(message_extensions.id)),
    )
  }
}
