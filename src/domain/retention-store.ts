import type { Database } from '../db/open.ts'

/** What is forgotten once nobody may want it any more. Each call takes a bounded number, and says how many it took. */
export class RetentionStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Logins that expired, with their tokens. An access token may outlive the refresh token that it came with: by a day. */
  async forgetLogins(limit: number): Promise<number> {
    const { count } = await this.#database.within(
      () => this.#database.sql`
        DELETE FROM logins WHERE id IN (
          SELECT id FROM logins WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT ${limit}
          FOR UPDATE SKIP LOCKED)`,
    )
    return count
  }

  /** Refresh tokens that expired, of logins that go on: used again, they are refused like one that never was. */
  async forgetTokens(limit: number): Promise<number> {
    const { count } = await this.#database.within(
      () => this.#database.sql`
        DELETE FROM refresh_tokens WHERE id IN (
          SELECT id FROM refresh_tokens WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT ${limit}
          FOR UPDATE SKIP LOCKED)`,
    )
    return count
  }

  /**
   * Chats that were deleted so many days ago, or whose removal was begun before: from now on they cannot be brought back,
   * which is what the time says that they have in place of their own.
   */
  async beginRemoval(days: number, limit: number): Promise<string[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<{ id: string }[]>`
        UPDATE chats SET deleted_at = 'epoch' WHERE id IN (
          SELECT id FROM chats WHERE deleted_at < now() - make_interval(days => ${days}) ORDER BY deleted_at
          LIMIT ${limit} FOR UPDATE SKIP LOCKED)
        RETURNING id`,
    )
    return rows.map(({ id }) => id)
  }

  /** With all that hangs on them: answers, sources, extensions, and what they have of files. */
  async removeMessages(chatId: string, limit: number): Promise<number> {
    const { count } = await this.#database.within(
      () => this.#database.sql`
        DELETE FROM messages WHERE id IN (
          SELECT id FROM messages WHERE chat_id = ${chatId} ORDER BY seq LIMIT ${limit})`,
    )
    return count
  }

  async removeEvents(chatId: string, limit: number): Promise<number> {
    const { count } = await this.#database.within(
      () => this.#database.sql`
        DELETE FROM events WHERE chat_id = ${chatId} AND seq IN (
          SELECT seq FROM events WHERE chat_id = ${chatId} ORDER BY seq LIMIT ${limit})`,
    )
    return count
  }

  /** What is left of it: its branches, cursors and support session, and an event that came meanwhile. */
  async removeChat(chatId: string): Promise<void> {
    await this.#database.within(() =>
      this.#database.sql.begin(async (sql) => {
        await sql`SELECT FROM chats WHERE id = ${chatId} FOR UPDATE`
        await sql`DELETE FROM events WHERE chat_id = ${chatId}`
        await sql`DELETE FROM chats WHERE id = ${chatId}`
      }),
    )
  }
}
