import { and, eq, inArray, isNull } from 'drizzle-orm'
import type { Database } from '../../db/open.ts'
import { chats } from '../../db/schema.ts'
import { NEWEST_FIRST } from './chat-store.ts'

/** A stretch of a chat's messages by `seq`, both ends included. */
export type Part = { chatId: string; low: number; high: number }

/** What Postgres makes of a search box's text. */
export type CompiledQuery = {
  /** A tsquery. */ text: string /** The same without negations: what has to be found. */
  positive: string
}

export type Candidate = { id: string; rank: number }

/**
 * Search by walking an account's own messages, newest first, along `messages_chat_seq_index`. An index of words (GIN)
 * was measured against it: it cost a post a fifth to a third of its throughput, it knows nothing of accounts, so that
 * a word that many use took as long as all of them use it, and every message that holds the start of a word is
 * collected before the first is told apart.
 */
export class SearchStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** `undefined` where there is no word to look for. Every text is a query. */
  async compile(text: string, lastIsPrefix: boolean): Promise<CompiledQuery | undefined> {
    const [row] = await this.#database.within(
      () => this.#database.sql<CompiledQuery[]>`
        SELECT query::text AS text, querytree(query) AS positive FROM (
          SELECT CASE WHEN ${lastIsPrefix} AND query::text ~ '''$' AND query::text !~ '!''([^'']|'''')*''$'
            THEN (query::text || ':*')::tsquery ELSE query END AS query
          FROM websearch_to_tsquery('simple', ${text}) AS query
        ) AS typed`,
    )
    return row === undefined || row.positive === '' || row.positive === 'T' ? undefined : row
  }

  /** An account's chats, those that changed last first. `last_seq` is at least the number of a chat's messages. */
  async chatsOf(owner: string, limit: number): Promise<{ id: string; last_seq: number }[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select({ id: chats.id, last_seq: chats.last_seq })
        .from(chats)
        .where(and(eq(chats.owner_id, owner), isNull(chats.deleted_at)))
        .orderBy(...NEWEST_FIRST)
        .limit(limit),
    )
  }

  async lastSeq(chatId: string): Promise<number> {
    const [row] = await this.#database.within(() =>
      this.#database.orm.select({ last_seq: chats.last_seq }).from(chats).where(eq(chats.id, chatId)),
    )
    return row?.last_seq ?? 0
  }

  /** The titles of those of the chats that are not deleted. */
  async titles(chatIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .select({ id: chats.id, title: chats.title })
        .from(chats)
        .where(and(inArray(chats.id, [...chatIds]), isNull(chats.deleted_at))),
    )
    return new Map(rows.map(({ id, title }) => [id, title]))
  }

  /**
   * The messages of these parts that match, in the order of the parts and newest first, with how well they do.
   * `needed` is a text that each of them contains in small letters; it may be empty.
   */
  async scan(parts: readonly Part[], query: string, needed: string, limit: number): Promise<Candidate[]> {
    return this.#database.within(() => scanStatement(this.#database.sql, parts, query, needed, limit))
  }
}

/** Each OFFSET keeps its step apart: an index scan for each part, the cheap condition first, the words parsed once. */
export function scanStatement(
  sql: Database['sql'],
  parts: readonly Part[],
  query: string,
  needed: string,
  limit: number,
) {
  return sql<Candidate[]>`
    SELECT id, ts_rank_cd(words, ${query}::tsquery, 1 | 32) AS rank FROM (
      SELECT message.id, message.seq, part.place, parsed.words
      FROM unnest(
          ${parts.map(({ chatId }) => chatId)}::uuid[],
          ${parts.map(({ low }) => low)}::bigint[],
          ${parts.map(({ high }) => high)}::bigint[]
        ) WITH ORDINALITY AS part(chat_id, low, high, place)
      CROSS JOIN LATERAL (
        SELECT id, seq, content FROM messages
        WHERE chat_id = part.chat_id AND seq BETWEEN part.low AND part.high AND deleted_at IS NULL
          AND (${needed} = '' OR strpos(lower(content), ${needed}) > 0)
        OFFSET 0
      ) AS message
      CROSS JOIN LATERAL (SELECT to_tsvector('simple', message.content) AS words OFFSET 0) AS parsed
      WHERE parsed.words @@ ${query}::tsquery
      ORDER BY part.place, message.seq DESC LIMIT ${limit}
    ) AS found`
}
