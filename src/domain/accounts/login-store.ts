import { and, eq, isNull, ne, sql } from 'drizzle-orm'
import type { Role } from '../../contract/accounts.ts'
import type { Within } from '../../db/deadline.ts'
import type { Database } from '../../db/open.ts'
import { logins, refresh_tokens, users } from '../../db/schema.ts'
import type { AccountActor } from './actor.ts'
import { accountWithin, assertStanding, type Transaction } from './transaction-store.ts'

/** A refresh token as it is stored: its hash, and until when it is good (ISO). */
export type StoredRefresh = { hash: string; expiresAt: string }

/** What became of a refresh token that was presented. */
export type Rotation =
  | { outcome: 'rotated'; accountId: string; loginId: string; role: Role }
  /** It was used before: its login has been ended. */
  | { outcome: 'reused'; loginId: string }
  | { outcome: 'refused' }

type Found = {
  id: string
  login_id: string
  user_id: string
  role: Role
  used: boolean
  overlaps: boolean
  stands: boolean
}

export class LoginStore {
  readonly #orm: Database['orm']
  readonly #within: Within

  constructor(database: Database) {
    this.#orm = database.orm
    this.#within = accountWithin(database)
  }

  /**
   * Opens a login for an active account that still has this password hash; false where it has not. The account is locked
   * against a change meanwhile: one that ends the account's logins ends this one too. Logins of it that expired go.
   */
  async open(
    account: { id: string; password_hash: string | null },
    id: string,
    refresh: StoredRefresh,
  ): Promise<boolean> {
    const rows = await this.#within(() =>
      this.#orm.execute(sql`
        WITH account AS (
          SELECT id FROM users
          WHERE id = ${account.id} AND is_active AND password_hash IS NOT DISTINCT FROM ${account.password_hash}
          FOR SHARE
        ), expired AS (
          DELETE FROM logins USING account WHERE user_id = account.id AND expires_at < now()
        ), login AS (
          INSERT INTO logins (id, user_id, expires_at) SELECT ${id}, id, ${refresh.expiresAt} FROM account RETURNING id
        )
        INSERT INTO refresh_tokens (id, login_id, hash, expires_at)
        SELECT ${Bun.randomUUIDv7()}, id, ${refresh.hash}, ${refresh.expiresAt} FROM login RETURNING id`),
    )
    return rows.length > 0
  }

  /** Uses up the token of `hash` and puts `next` in its place; ends the login of a token that was used before. */
  rotate(hash: string, next: StoredRefresh): Promise<Rotation> {
    return this.#within(() =>
      this.#orm.transaction(async (transaction) => {
        const [token] = await transaction.execute<Found>(sql`
          SELECT token.id, login.id AS login_id, login.user_id, account.role, token.used_at IS NOT NULL AS used,
            coalesce(token.used_at >= transaction_timestamp(), false) AS overlaps,
            token.expires_at > now() AND login.revoked_at IS NULL AND account.is_active AS stands
          FROM refresh_tokens AS token
          JOIN logins AS login ON login.id = token.login_id
          JOIN users AS account ON account.id = login.user_id
          WHERE token.hash = ${hash} FOR UPDATE OF token`)
        // Used by another instance while this call was under way: two tabs, not two people. The other one has the answer.
        if (token === undefined || token.overlaps) return { outcome: 'refused' }
        if (token.used) {
          await revoke(transaction, token.login_id)
          return { outcome: 'reused', loginId: token.login_id }
        }
        if (!token.stands) return { outcome: 'refused' }
        await replace(transaction, token, next)
        return { outcome: 'rotated', accountId: token.user_id, loginId: token.login_id, role: token.role }
      }),
    )
  }

  async revoke(loginId: string): Promise<void> {
    await this.#within(() => revoke(this.#orm, loginId))
  }

  /** Ends every login of the account. */
  async revokeAll(accountId: string): Promise<void> {
    await this.#within(() => revokeAll(this.#orm, accountId, null))
  }

  /**
   * Sets a new password and ends every login but the actor's. Resolves to those it ended, or to `undefined` where the password
   * is not the `old` one any more. Throws `Refusal('token_invalid')`.
   */
  changePassword(actor: AccountActor, old: string, hash: string): Promise<string[] | undefined> {
    const { accountId, loginId } = actor
    return this.#within(() =>
      this.#orm.transaction(async (transaction) => {
        const changed = await transaction
          .update(users)
          .set({ password_hash: hash, updated_at: sql`now()` })
          .where(and(eq(users.id, accountId), eq(users.password_hash, old), eq(users.is_active, true)))
          .returning({ id: users.id })
        await assertStanding(transaction, actor)
        return changed.length === 0 ? undefined : revokeAll(transaction, accountId, loginId)
      }),
    )
  }
}

type Writer = Pick<Transaction, 'update'>

async function revoke(writer: Writer, loginId: string): Promise<void> {
  await writer
    .update(logins)
    .set({ revoked_at: sql`now()` })
    .where(and(eq(logins.id, loginId), isNull(logins.revoked_at)))
}

/** Resolves to the ids of the logins that it ended. */
export async function revokeAll(writer: Writer, accountId: string, keep: string | null): Promise<string[]> {
  const rows = await writer
    .update(logins)
    .set({ revoked_at: sql`now()` })
    .where(
      and(eq(logins.user_id, accountId), isNull(logins.revoked_at), keep === null ? undefined : ne(logins.id, keep)),
    )
    .returning({ id: logins.id })
  return rows.map(({ id }) => id)
}

async function replace(transaction: Transaction, used: Found, next: StoredRefresh): Promise<void> {
  await transaction
    .update(refresh_tokens)
    // Cut, not rounded up: a call that begins after it must not look as if it had begun before.
    .set({ used_at: sql`date_trunc('milliseconds', clock_timestamp())` })
    .where(eq(refresh_tokens.id, used.id))
  await transaction
    .insert(refresh_tokens)
    .values({ id: Bun.randomUUIDv7(), login_id: used.login_id, hash: next.hash, expires_at: next.expiresAt })
  await transaction.update(logins).set({ expires_at: next.expiresAt }).where(eq(logins.id, used.login_id))
  // What expired can be told from what never was no longer, and need not be.
  await transaction
    .delete(refresh_tokens)
    .where(and(eq(refresh_tokens.login_id, used.login_id), sql`${refresh_tokens.expires_at} < now()`))
}
