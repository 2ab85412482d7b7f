import { sql } from 'drizzle-orm'
import { VISITOR_SECONDS } from '../../contract/visitors.ts'
import type { Database } from '../../db/open.ts'
import type { Participant } from './actor.ts'

/** Revocations older than this end no token any more: whatever they ended has expired, whosever clock one goes by. */
const KEPT_SECONDS = VISITOR_SECONDS.max + 3600
const FORGOTTEN_AT_ONCE = 1000

type Query = Database['sql'] | Parameters<Parameters<Database['sql']['begin']>[1]>[0]

/** Of these the visitors whose tokens were made before a revocation. */
export async function dismissedAmong(query: Query, actors: readonly Participant[]): Promise<Set<Participant>> {
  const visitors = actors.filter((actor) => actor.kind === 'visitor')
  if (visitors.length === 0) return new Set()
  const rows = await query<{ ordinal: string }[]>`
    SELECT held.ordinal FROM unnest(
      ${visitors.map(({ userId }) => userId)}::text[],
      ${visitors.map(({ generation }) => generation)}::bigint[]
    ) WITH ORDINALITY AS held(user_id, generation, ordinal)
    -- OFFSET: a look-up by key for each, whatever the table was like when the plan was made.
    CROSS JOIN LATERAL (
      SELECT FROM visitor_revocations WHERE user_id = held.user_id AND generation > held.generation OFFSET 0) AS revoked`
  const found = new Set<Participant>()
  for (const { ordinal } of rows) {
    const visitor = visitors[Number(ordinal) - 1]
    if (visitor !== undefined) found.add(visitor)
  }
  return found
}

/**
 * Which visitors' tokens were revoked. Revocations are counted through; a token says how many there had been when it was
 * made, and one of its visitor with a greater number ends it. No clock decides that, and what has expired can be forgotten.
 */
export class VisitorStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** For a token that is made now. */
  async generation(): Promise<number> {
    const [row] = await this.#database.within(
      () => this.#database.sql<{ generation: string }[]>`
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS generation FROM visitor_revocations_generation_seq`,
    )
    return Number(row?.generation ?? 0)
  }

  /** Ends all tokens of the visitor that there are. */
  async revoke(userId: string): Promise<void> {
    await this.#database.within(() =>
      this.#database.orm.transaction(async (transaction) => {
        await transaction.execute(sql`
          DELETE FROM visitor_revocations WHERE user_id IN (
            SELECT user_id FROM visitor_revocations
            WHERE revoked_at < now() - make_interval(secs => ${KEPT_SECONDS}) LIMIT ${FORGOTTEN_AT_ONCE}
            FOR UPDATE SKIP LOCKED)`)
        await transaction.execute(sql`
          INSERT INTO visitor_revocations (user_id) VALUES (${userId})
          ON CONFLICT (user_id) DO UPDATE SET generation = DEFAULT, revoked_at = DEFAULT`)
      }),
    )
  }
}
