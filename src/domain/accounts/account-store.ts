import { and, desc, eq, ilike, lt, or, type SQL, sql } from 'drizzle-orm'
import type { AccountChange, AccountPageQuery } from '../../contract/accounts.ts'
import type { Within } from '../../db/deadline.ts'
import type { Database } from '../../db/open.ts'
import { users } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { Actor } from './actor.ts'
import { accountWithin, assertStanding, type Transaction } from './transaction-store.ts'

export type AccountRow = typeof users.$inferSelect
export type NewAccountRow = typeof users.$inferInsert

/** Names the advisory lock under which admins come and go, among those that share the database. */
const ADMINS_LOCK = 7_277_540

export class AccountStore {
  readonly #orm: Database['orm']
  readonly #within: Within

  constructor(database: Database) {
    this.#orm = database.orm
    this.#within = accountWithin(database)
  }

  /** Throws `Refusal('email_taken')` or `Refusal('username_taken')`. */
  async insert(account: NewAccountRow): Promise<AccountRow> {
    const [row] = await this.#within(() => this.#orm.insert(users).values(account).returning())
    if (row === undefined) throw new Error('An insert returned no row.')
    return row
  }

  /** `undefined` where there is one of this issuer and subject already. Refuses like `insert`. */
  async insertExternal(account: NewAccountRow): Promise<AccountRow | undefined> {
    const target = [users.issuer, users.subject]
    const [row] = await this.#within(() =>
      this.#orm.insert(users).values(account).onConflictDoNothing({ target }).returning(),
    )
    return row
  }

  /** Nothing happens, and `undefined` comes back, where an active admin is there. Refuses like `insert`. */
  async insertFirstAdmin(account: NewAccountRow): Promise<AccountRow | undefined> {
    return this.#within(() =>
      this.#orm.transaction(async (transaction) => {
        await lockAdmins(transaction)
        if (await anotherAdmin(transaction, account.id)) return undefined
        const [row] = await transaction.insert(users).values(account).returning()
        return row
      }),
    )
  }

  async hasAdmin(): Promise<boolean> {
    const [row] = await this.#within(() => this.#orm.select({ id: users.id }).from(users).where(activeAdmin()).limit(1))
    return row !== undefined
  }

  find(id: string): Promise<AccountRow | undefined> {
    return this.#one(eq(users.id, id))
  }

  findExternal(issuer: string, subject: string): Promise<AccountRow | undefined> {
    return this.#one(and(eq(users.issuer, issuer), eq(users.subject, subject)))
  }

  /** By email or by username, in any letter case. A username has no `@`. */
  findByName(name: string): Promise<AccountRow | undefined> {
    return this.#one(same(name.includes('@') ? users.email : users.username, name))
  }

  async taken(email: string, username: string): Promise<'email' | 'username' | undefined> {
    const rows = await this.#within(() =>
      this.#orm
        .select({ email: sql<boolean>`${same(users.email, email)}` })
        .from(users)
        .where(or(same(users.email, email), same(users.username, username))),
    )
    if (rows.some((row) => row.email)) return 'email'
    return rows.length > 0 ? 'username' : undefined
  }

  /** Newest first: ids grow with time. One more than the limit, where there is one. */
  list({ limit, after, search }: AccountPageQuery): Promise<AccountRow[]> {
    const pattern = `%${search?.replace(/[\\%_]/g, '\\$&')}%`
    const found = or(ilike(users.username, pattern), ilike(users.email, pattern), ilike(users.full_name, pattern))
    const where = and(after === undefined ? undefined : lt(users.id, after), search === undefined ? undefined : found)
    return this.#within(() =>
      this.#orm
        .select()
        .from(users)
        .where(where)
        .orderBy(desc(users.id))
        .limit(limit + 1),
    )
  }

  /**
   * Changes role or activity, with what `also` does in the same transaction. Throws `Refusal('account_missing')`, and
   * `Refusal('last_admin')` where it would leave nobody to make admins.
   */
  async amend(
    by: Actor,
    id: string,
    change: AccountChange,
    also: (transaction: Transaction) => Promise<void>,
  ): Promise<{ row: AccountRow; changed: boolean }> {
    return this.#within(() =>
      this.#orm.transaction(async (transaction) => {
        await lockAdmins(transaction)
        await assertStanding(transaction, by)
        const [old] = await transaction.select().from(users).where(eq(users.id, id)).for('update')
        if (old === undefined) throw new Refusal('account_missing')
        const role = change.role ?? old.role
        const is_active = change.is_active ?? old.is_active
        const loses = old.is_active && old.role === 'admin' && !(is_active && role === 'admin')
        if (loses && !(await anotherAdmin(transaction, id))) throw new Refusal('last_admin')
        const [row = old] = await transaction
          .update(users)
          .set({ role, is_active, updated_at: sql`now()` })
          .where(eq(users.id, id))
          .returning()
        await also(transaction)
        return { row, changed: role !== old.role || is_active !== old.is_active }
      }),
    )
  }

  async #one(where: SQL | undefined): Promise<AccountRow | undefined> {
    const [row] = await this.#within(() => this.#orm.select().from(users).where(where).limit(1))
    return row
  }
}

/** Two admins who end each other's rights at once must not both succeed. */
async function lockAdmins(transaction: Transaction): Promise<void> {
  await transaction.execute(sql`SELECT pg_advisory_xact_lock(${ADMINS_LOCK})`)
}

async function anotherAdmin(transaction: Transaction, id: string): Promise<boolean> {
  const [row] = await transaction
    .select({ id: users.id })
    .from(users)
    .where(and(activeAdmin(), sql`${users.id} <> ${id}`))
    .limit(1)
  return row !== undefined
}

function activeAdmin(): SQL | undefined {
  return and(eq(users.role, 'admin'), eq(users.is_active, true))
}

function same(column: typeof users.email | typeof users.username, text: string): SQL {
  return sql`lower(${column}) = lower(${text})`
}
