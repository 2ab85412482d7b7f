import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import type { Role } from '../../contract/accounts.ts'
import type { Within } from '../../db/deadline.ts'
import type { Database } from '../../db/open.ts'
import { logins, users } from '../../db/schema.ts'
import type { Participant } from './actor.ts'
import { accountWithin } from './transaction-store.ts'
import { dismissedAmong } from './visitor-store.ts'

/** What an account or a login may do right now. */
export class StandingStore {
  readonly #database: Database
  readonly #within: Within
  readonly #login
  readonly #account

  constructor(database: Database) {
    this.#database = database
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

  /** For each actor, in order: whether it still is what its token says. */
  async areStanding(actors: readonly Participant[]): Promise<boolean[]> {
    const dismissed = await this.#within(() => dismissedAmong(this.#database.sql, actors))
    if (actors.every(({ kind }) => kind === 'visitor')) return actors.map((visitor) => !dismissed.has(visitor))
    const accounts = actors.map((actor) => (actor.kind === 'account' ? actor : undefined))
    const rows = await this.#within(
      () => this.#database.sql<{ stands: boolean }[]>`
        SELECT EXISTS (SELECT FROM users WHERE id = held.account_id AND is_active AND role = held.role)
          AND (held.login_id IS NULL
            OR EXISTS (SELECT FROM logins WHERE id = held.login_id AND revoked_at IS NULL AND expires_at > now())) AS stands
        FROM unnest(
          ${accounts.map((account) => account?.accountId ?? null)}::uuid[],
          ${accounts.map((account) => account?.role ?? null)}::text[],
          ${accounts.map((account) => account?.loginId ?? null)}::uuid[]
        ) WITH ORDINALITY AS held(account_id, role, login_id, ordinal)
        ORDER BY held.ordinal`,
    )
    return actors.map((actor, index) => {
      if (actor.kind === 'visitor') return !dismissed.has(actor)
      return actor.kind === 'service' || rows[index]?.stands === true
    })
  }
}
