import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import { deadlines } from '../../db/deadline.ts'
import { codeOf } from '../../db/fault.ts'
import type { Database } from '../../db/open.ts'
import { chats } from '../../db/schema.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { Refusal } from '../refusal.ts'
import type { ChatRow } from './rows.ts'

/** A promotion, with its turn. Under the 10 seconds that a connection of a caller may be idle. */
const PROMOTION_MS = 8000

/** Names our advisory locks among those that share the database. */
const PROMOTIONS = 1_886_547_815

export class PromotionStore {
  readonly #database: Database
  readonly #within = deadlines({ deadlineMs: PROMOTION_MS })

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Runs `work` in a transaction while no other does for the same name, on any instance. One whose connection was lost is
   * over by then: Postgres lets go of its lock as it ends it. Throws `Refusal('message_exists')` for a message whose id is
   * taken.
   */
  async alone<T>(name: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const locked = async (transaction: Transaction) => {
      await transaction.execute(sql`SELECT pg_advisory_xact_lock(${PROMOTIONS}, hashtext(${name}))`)
      return work(transaction)
    }
    try {
      // Not on a connection that posts wait for, where there is more than one: the session's store is asked meanwhile.
      return await this.#within(() => this.#database.patiently((connection) => drizzle(connection).transaction(locked)))
    } catch (fault) {
      throw isTakenMessage(fault) ? new Refusal('message_exists', { cause: fault }) : fault
    }
  }

  /** A deleted one too. */
  async find(transaction: Transaction, chatId: string): Promise<ChatRow | undefined> {
    const [row] = await transaction.select().from(chats).where(eq(chats.id, chatId))
    return row
  }
}

function isTakenMessage(fault: unknown): boolean {
  if (codeOf(fault) !== '23505' || !(fault instanceof Error && 'constraint_name' in fault)) return false
  return fault.constraint_name === 'messages_pkey'
}
