import type { Metadata, SenderType } from '../../contract/chats.ts'
import type { Database } from '../../db/open.ts'
import type { ExternalId } from '../chats/chats.ts'

export type DeskMessageRow = {
  number: number
  content: string
  sender_type: SenderType
  metadata: Metadata
  created_at: string
}

export type DeskSessionRow = {
  external_id: string
  title: string
  metadata: Metadata
  created_at: string
  /** Oldest first. */
  messages: DeskMessageRow[]
}

/**
 * Which messages of a session: the newest `messages`, after the newest `offset`, deleted ones included. The text of all
 * together has at most `bytes`.
 */
type Nested = { messages: number; offset: number; bytes: number }

/** So many messages that are deleted, and as many again as are wanted, are passed over for older ones. */
const DELETED_MAX = 100

type Row = Omit<DeskSessionRow, 'messages'> & {
  number: string | null
  content: string
  sender_type: SenderType
  said: Metadata
  said_at: string
}

export class DeskStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** The chat behind a session, and the `seq` of its newest event. */
  async chat(session: ExternalId): Promise<{ chatId: string; seq: number } | undefined> {
    const [row] = await this.#database.within(
      () =>
        this.#database.sql<
          { id: string; last_seq: string }[]
        >`SELECT id, last_seq FROM (${this.#named(session)}) AS chat`,
    )
    return row && { chatId: row.id, seq: Number(row.last_seq) }
  }

  async find(session: ExternalId, nested: Nested): Promise<DeskSessionRow | undefined> {
    return (await this.#sessions(this.#named(session), nested))[0]
  }

  #named({ owner, id }: ExternalId): ReturnType<Database['sql']> {
    // What is deleted is left out afterwards: else the index of lists, which has all of an owner's, seems as good.
    return this.#database.sql`
      SELECT * FROM (SELECT * FROM chats WHERE external_owner = ${owner} AND external_id = ${id} OFFSET 0) AS chat
      WHERE deleted_at IS NULL`
  }

  /** The newest first. */
  async list(
    owner: string,
    { limit, offset }: { limit: number; offset: number },
    nested: Nested,
  ): Promise<DeskSessionRow[]> {
    const { sql } = this.#database
    return this.#sessions(
      sql`SELECT * FROM chats WHERE external_owner = ${owner} AND external_id IS NOT NULL AND deleted_at IS NULL
        ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${offset}`,
      nested,
    )
  }

  /**
   * Sessions with the newest messages of their active branches, in one query: a branch's own and, of each that it comes
   * from, those up to the fork, by an index scan each. Positions are dense: those far below the newest are not looked at,
   * whatever plan the query is given. `chosen` selects the chats.
   */
  async #sessions(chosen: ReturnType<Database['sql']>, { messages, offset, bytes }: Nested): Promise<DeskSessionRow[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<Row[]>`
        WITH RECURSIVE session AS MATERIALIZED (
          SELECT id, external_id, title, metadata, created_at, active_branch_id,
            row_number() OVER (ORDER BY created_at DESC, id DESC) AS rank
          FROM (${chosen}) AS chosen
        ), line AS (
          SELECT session.rank, branch.*, branch.high - ${2 * messages + DELETED_MAX}::integer AS floor
          FROM session CROSS JOIN LATERAL (
            SELECT id, fork_branch_id, fork_position, head - ${offset}::integer AS high FROM branches
            WHERE id = session.active_branch_id OFFSET 0) AS branch
          UNION ALL
          SELECT line.rank, older.*, line.floor FROM line CROSS JOIN LATERAL (
            SELECT id, fork_branch_id, fork_position, least(line.high, line.fork_position) AS high FROM branches
            WHERE id = line.fork_branch_id OFFSET 0) AS older
          WHERE line.fork_position > line.floor
        ), said AS (
          SELECT line.rank, message.*,
            row_number() OVER (PARTITION BY line.rank ORDER BY message.position DESC) AS age
          FROM line CROSS JOIN LATERAL (
            SELECT position, number, content, sender_type, metadata AS said, created_at AS said_at FROM messages
            WHERE branch_id = line.id AND position > line.floor AND position <= line.high AND deleted_at IS NULL
              AND content <> '' AND status NOT IN ('pending', 'processing')
            ORDER BY position DESC LIMIT ${messages}) AS message
        ), nested AS (
          SELECT *, sum(octet_length(content)) OVER (ORDER BY rank, position DESC) AS bytes
          FROM said WHERE age <= ${messages}
        )
        SELECT external_id, title, metadata, created_at, number, content, sender_type, said, said_at
        FROM session LEFT JOIN nested ON nested.rank = session.rank AND nested.bytes <= ${bytes}
        ORDER BY session.rank, position`,
    )
    return grouped(rows)
  }
}

function grouped(rows: readonly Row[]): DeskSessionRow[] {
  const sessions = new Map<string, DeskSessionRow>()
  for (const { number, content, sender_type, said, said_at, ...session } of rows) {
    const known = sessions.get(session.external_id) ?? { ...session, messages: [] }
    sessions.set(session.external_id, known)
    // A session without messages has one row, with none.
    if (number === null) continue
    known.messages.push({ number: Number(number), content, sender_type, metadata: said, created_at: said_at })
  }
  return [...sessions.values()]
}
