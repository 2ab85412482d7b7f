import { eq } from 'drizzle-orm'
import { type Answering, NO_ANSWERING } from '../../contract/answering.ts'
import type { Database } from '../../db/open.ts'
import { chat_answering } from '../../db/schema.ts'
import type { Transaction } from '../accounts/transaction-store.ts'

const COLUMNS = {
  answerer: chat_answering.answerer,
  system_prompt: chat_answering.system_prompt,
  history_messages: chat_answering.history_messages,
  history_length: chat_answering.history_length,
}

/** How chats are answered, of those that say so. */
export class AnsweringStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async find(chatId: string): Promise<Answering> {
    return this.#database.within(() => answeringOf(this.#database.orm, chatId))
  }

  /** The chat is locked. */
  async put(transaction: Transaction, chatId: string, answering: Answering): Promise<void> {
    await transaction
      .insert(chat_answering)
      .values({ chat_id: chatId, ...answering })
      .onConflictDoUpdate({ target: chat_answering.chat_id, set: answering })
  }
}

/** As this transaction, or reader, sees it. */
export async function answeringOf(orm: Pick<Transaction, 'select'>, chatId: string): Promise<Answering> {
  const [row] = await orm.select(COLUMNS).from(chat_answering).where(eq(chat_answering.chat_id, chatId))
  return row ?? NO_ANSWERING
}
