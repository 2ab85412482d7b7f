import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import type { Role } from '../../contract/accounts.ts'
import type { Within } from '../../db/deadline.ts'
import type { Database } from '../../db/open.ts'
import { logins, users } from '../../db/schema.ts'
import { accountWithin } from './transaction-store.ts'

/** What an account or a login may do right now. */
export class StandingStore {
  readonly #within: Within
  readonly #login
  readonly #account

  constructor(database: Database) {
    this.#within = accountWithin(database)
    this.#login = database.orm
      .select({ role: users.role })
      .from(logins)
      .innerJoin(users, eq(users.id, logins.user_id))
      .where(
        and(
          eq(logins.id, sql.placeholder('login')),
          eq(users.id, sql.placeholder('account')),
          isNull(logins.revoked_at),
          gt(logins.expires_at, sql`now()`),
          users.is_active,
        ),
      )
      .prepare('standing_of_login')
    this.#account = database.orm
      .select({ role: users.role })
      .from(users)
      .where(and(eq(users.id, sql.placeholder('account')), users.is_active))
      .prepare('standing_of_account')
  }

  /** The account's role, or `undefined` where the login has ended or the account is not active. */
  async roleOf(account: string, login: string | null): Promise<Role | undefined> {
    const [row] = await this.#within(() =>
      login === null ? this.#account.execute({ account }) : this.#login.execute({ account, login }),
    )
    return row?.role
  }
}
