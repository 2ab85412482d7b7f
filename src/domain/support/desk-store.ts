import { and, asc, eq, sql } from 'drizzle-orm'
import type { AgentStateChange, SupportStatistics } from '../../contract/support-desk.ts'
import type { Database } from '../../db/open.ts'
import { support_agents, support_notes } from '../../db/schema.ts'
import type { Participant } from '../accounts/actor.ts'
import { assertStanding, type Transaction } from '../accounts/transaction-store.ts'
import type { SupportRow } from './session.ts'
import type { SupportPage } from './support-store.ts'

/** What an agent may take: `available` and `limit` are not set where it said nothing of them. */
export type AgentRow = { agent_id: string; available: boolean | null; session_limit: number | null; sessions: number }

export type NoteRow = { id: string; chat_id: string; author_id: string | null; content: string; created_at: string }

/** Sessions that an agent has now, by its id in the table `agent`. */
const HELD = `(SELECT count(*)::integer FROM support_sessions AS held JOIN chats ON chats.id = held.chat_id
  WHERE held.agent_id = agent.agent_id AND held.status <> 'ended' AND chats.handling = 'people'
    AND chats.deleted_at IS NULL)`

/** As many agents as are listed. */
const AGENTS_MAX = 1000

/** The queue, the agents, and what they tell each other. */
export class SupportDeskStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Those that wait longest first, and how many wait in all. */
  async queue({ limit, offset }: SupportPage): Promise<{ waiting: number; rows: SupportRow[] }> {
    const { sql: query } = this.#database
    const waits = query`support_sessions AS session JOIN chats AS chat ON chat.id = session.chat_id
      WHERE session.waiting_since IS NOT NULL AND chat.deleted_at IS NULL`
    return this.#database.within(async () => {
      const [rows, [counted]] = await Promise.all([
        query<SupportRow[]>`SELECT session.*, chat.handling FROM ${waits}
          ORDER BY session.waiting_since, session.chat_id LIMIT ${limit} OFFSET ${offset}`,
        query<{ waiting: number }[]>`SELECT count(*)::integer AS waiting FROM ${waits}`,
      ])
      return { waiting: counted?.waiting ?? 0, rows }
    })
  }

  /** What an agent has now, the oldest first. */
  async heldBy(agentId: string, limit: number): Promise<SupportRow[]> {
    return this.#database.within(
      () => this.#database.sql<SupportRow[]>`
        SELECT session.*, chat.handling FROM support_sessions AS session JOIN chats AS chat ON chat.id = session.chat_id
        WHERE session.agent_id = ${agentId} AND session.status <> 'ended' AND chat.handling = 'people'
          AND chat.deleted_at IS NULL
        ORDER BY session.created_at, session.chat_id LIMIT ${limit}`,
    )
  }

  /**
   * The agent as it is, and stays until the transaction ends: whoever gives it a session asks for this first, so that it
   * never has more than it takes.
   */
  async lockAgent(transaction: Transaction, agentId: string): Promise<AgentRow> {
    await transaction.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`support agent ${agentId}`}, 0))`)
    const [row] = await transaction.execute<AgentRow>(sql`
      SELECT agent.agent_id, said.available, said.session_limit, ${sql.raw(HELD)} AS sessions
      FROM (SELECT ${agentId}::text AS agent_id) AS agent LEFT JOIN support_agents AS said USING (agent_id)`)
    if (row === undefined) throw new Error('The database told of no agent.')
    return row
  }

  /** Whether this is an account that may handle sessions. */
  async isAgent(transaction: Transaction, agentId: string): Promise<boolean> {
    const [row] = await transaction.execute<{ is: boolean }>(sql`
      SELECT EXISTS (SELECT FROM users WHERE id::text = ${agentId} AND is_active AND role IN ('agent', 'admin')) AS is`)
    return row?.is === true
  }

  async agent(agentId: string): Promise<AgentRow | undefined> {
    return (await this.#agents(this.#database.sql`agent.agent_id = ${agentId}`))[0]
  }

  /** Those that said something of themselves or have sessions, by their ids. */
  agents(): Promise<AgentRow[]> {
    return this.#agents(this.#database.sql`true`)
  }

  async #agents(which: ReturnType<Database['sql']>): Promise<AgentRow[]> {
    const { sql: query } = this.#database
    return this.#database.within(
      () => query<AgentRow[]>`
        SELECT agent.agent_id, said.available, said.session_limit, ${query.unsafe(HELD)} AS sessions
        FROM (SELECT agent_id FROM support_agents
          UNION SELECT agent_id FROM support_sessions WHERE status <> 'ended' AND agent_id IS NOT NULL) AS agent
        LEFT JOIN support_agents AS said USING (agent_id)
        WHERE ${which} ORDER BY agent.agent_id LIMIT ${AGENTS_MAX}`,
    )
  }

  /** `undefined` leaves as it is what was said, `null` takes it back. Throws `Refusal('token_invalid')`. */
  async saveAgent(
    actor: Participant,
    agentId: string,
    { available, session_limit: limit }: AgentStateChange,
  ): Promise<void> {
    const change = {
      ...(available === undefined ? {} : { available }),
      ...(limit === undefined ? {} : { session_limit: limit }),
    }
    await this.#database.within(() =>
      this.#database.orm.transaction(async (transaction) => {
        await transaction
          .insert(support_agents)
          .values({ agent_id: agentId, available: available ?? true, session_limit: limit ?? null })
          .onConflictDoUpdate({ target: support_agents.agent_id, set: { ...change, updated_at: sql`now()` } })
        await assertStanding(transaction, actor)
      }),
    )
  }

  /** The session that waits longest, and the available agent with the fewest sessions that takes one more. */
  async nextMatch(usualLimit: number): Promise<{ chatId: string; agentId: string } | undefined> {
    const { sql: query } = this.#database
    const [row] = await this.#database.within(
      () => query<{ chat_id: string; agent_id: string }[]>`
        SELECT session.chat_id, free.agent_id FROM (
          SELECT chat_id FROM support_sessions JOIN chats ON chats.id = chat_id
          WHERE waiting_since IS NOT NULL AND deleted_at IS NULL ORDER BY waiting_since, chat_id LIMIT 1) AS session
        CROSS JOIN (
          SELECT * FROM (
            SELECT agent.agent_id, coalesce(agent.session_limit, ${usualLimit}) AS most, agent.updated_at,
              ${query.unsafe(HELD)} AS sessions
            FROM support_agents AS agent WHERE agent.available
              AND NOT EXISTS (SELECT FROM users WHERE id::text = agent.agent_id AND NOT (is_active AND role <> 'user'))
          ) AS agent WHERE sessions < most ORDER BY sessions, updated_at, agent_id LIMIT 1) AS free`,
    )
    return row && { chatId: row.chat_id, agentId: row.agent_id }
  }

  async addNote(transaction: Transaction, note: NoteRow): Promise<void> {
    await transaction.insert(support_notes).values(note)
  }

  /** Oldest first. */
  async notes(chatId: string, { limit, offset }: SupportPage): Promise<NoteRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select()
        .from(support_notes)
        .where(eq(support_notes.chat_id, chatId))
        .orderBy(asc(support_notes.id))
        .limit(limit)
        .offset(offset),
    )
  }

  async note(chatId: string, noteId: string): Promise<NoteRow | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select()
        .from(support_notes)
        .where(and(eq(support_notes.chat_id, chatId), eq(support_notes.id, noteId))),
    )
    return row
  }

  /** Of so many days, today included, by UTC. */
  async statistics(days: number): Promise<SupportStatistics> {
    const { sql: query } = this.#database
    const means = query`
      avg(extract(epoch FROM first_reply_at - asked_at)) FILTER (WHERE first_reply_at >= asked_at)::float
        AS first_reply_seconds,
      avg(extract(epoch FROM ended_at - asked_at)) FILTER (WHERE ended_at >= asked_at)::float AS resolution_seconds`
    const first = query`date_trunc('day', now()) - make_interval(days => ${days - 1})`
    return this.#database.within(async () => {
      const [[now], perAgent, perDay] = await Promise.all([
        query<Omit<SupportStatistics, 'per_agent' | 'per_day'>[]>`
          SELECT count(*) FILTER (WHERE handling = 'people')::integer AS open,
            count(waiting_since)::integer AS waiting,
            count(*) FILTER (WHERE handling = 'assistant')::integer AS answering,
            greatest(0, extract(epoch FROM now() - min(waiting_since)))::float AS longest_wait_seconds
          FROM support_sessions JOIN chats ON chats.id = chat_id WHERE status <> 'ended' AND deleted_at IS NULL`,
        query<SupportStatistics['per_agent'][number][]>`
          SELECT agent.agent_id, ${query.unsafe(HELD)} AS open, coalesce(ended, 0)::integer AS ended,
            first_reply_seconds, resolution_seconds
          FROM (SELECT agent_id FROM support_agents
            UNION SELECT agent_id FROM support_sessions
            WHERE agent_id IS NOT NULL AND (status <> 'ended' OR ended_at >= ${first})) AS agent
          LEFT JOIN (SELECT agent_id, count(*) AS ended, ${means} FROM support_sessions
            WHERE ended_at >= ${first} GROUP BY 1) AS past USING (agent_id)
          ORDER BY agent.agent_id LIMIT ${AGENTS_MAX}`,
        query<SupportStatistics['per_day'][number][]>`
          SELECT to_char(day, 'YYYY-MM-DD') AS day, opened, ended, first_reply_seconds, resolution_seconds
          FROM generate_series(${first}, now(), '1 day') AS day
          CROSS JOIN LATERAL (SELECT count(*)::integer AS opened FROM support_sessions
            WHERE created_at >= day AND created_at < day + interval '1 day') AS made
          CROSS JOIN LATERAL (SELECT count(*)::integer AS ended, ${means} FROM support_sessions
            WHERE ended_at >= day AND ended_at < day + interval '1 day') AS past
          ORDER BY day`,
      ])
      if (now === undefined) throw new Error('The database told of no sessions.')
      return { ...now, per_agent: perAgent, per_day: perDay }
    })
  }
}
