import type { Database } from '../../../src/db/open.ts'

/** What a piece of work made the database do. */
export type Scans = {
  /** Tables that were read from end to end. */
  whole: string[]
  /** Indexes that were used. */
  indexes: string[]
  /** Entries of all indexes that were looked at. */
  entries: number
}

type Counters = Map<string, { scans: number; entries: number }>

/** Runs the work and counts its scans. The database has one connection, so that its counters hold the work's alone. */
export async function scansOf({ sql }: Database, work: () => Promise<unknown>): Promise<Scans> {
  const read = async () => {
    // A session reports what it counted once in a while, unless it is asked to.
    await sql`SELECT pg_stat_force_next_flush()`
    const rows = await sql<{ name: string; scans: number; entries: number; is_index: boolean }[]>`
      SELECT relname AS name, seq_scan::int AS scans, 0 AS entries, false AS is_index FROM pg_stat_user_tables
      UNION ALL SELECT indexrelname, idx_scan::int, idx_tup_read::int, true FROM pg_stat_user_indexes`
    const of = (isIndex: boolean): Counters =>
      new Map(rows.filter(({ is_index }) => is_index === isIndex).map((row) => [row.name, row]))
    return { tables: of(false), indexes: of(true) }
  }
  await read()
  const before = await read()
  await work()
  await read()
  const after = await read()
  const used = (earlier: Counters, later: Counters) =>
    [...later].filter(([name, { scans }]) => scans > (earlier.get(name)?.scans ?? 0)).map(([name]) => name)
  const entries = (counters: Counters) => [...counters.values()].reduce((sum, one) => sum + one.entries, 0)
  return {
    whole: used(before.tables, after.tables).sort(),
    indexes: used(before.indexes, after.indexes).sort(),
    entries: entries(after.indexes) - entries(before.indexes),
  }
}

/** A chat, one of its messages, and one of its branches. */
export type Place = { chatId: string; messageId: string; branchId: string }

/** As much as a busy product has, in little time: 3,000 chats of 10 messages, and one of 20,000 with 500 branches. */
export async function fill({ sql }: Database, ownerId: string): Promise<Place> {
  await sql`INSERT INTO users (id, email, username)
    SELECT id, id::text, id::text FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 3000)) AS made`
  await sql`INSERT INTO logins (id, user_id, expires_at) SELECT gen_random_uuid(), id, now() FROM users`
  const [{ id: chatId } = { id: '' }] = await sql<{ id: string }[]>`SELECT gen_random_uuid() AS id`
  // The big chat, 40 more of its owner, and those of others.
  // Not a temporary table: the first of a session has all its plans made anew.
  await sql`CREATE TABLE made AS SELECT gen_random_uuid() AS id, number FROM generate_series(1, 3000) AS number`
  await sql`UPDATE made SET id = ${chatId} WHERE number = 1`
  await sql`WITH chat AS (
      INSERT INTO chats (id, title, external_owner, external_id, active_branch_id, last_seq, customer_id, handling, owner_id)
      SELECT id, 'Filled', '', 'desk-' || number, id, 3, 'customer', 'people',
        CASE WHEN number <= 41 THEN ${ownerId}::uuid ELSE (SELECT id FROM users WHERE id > made.id ORDER BY id LIMIT 1) END
      FROM made)
    INSERT INTO branches (id, chat_id, head) SELECT id, id, 10 FROM made`
  await sql`INSERT INTO messages (id, chat_id, branch_id, position, seq, sender_type, sender_id, content)
    SELECT gen_random_uuid(), id, id, position, position + 2, 'user', ${ownerId}, 'What is said, at some length'
    FROM made, generate_series(1, CASE number WHEN 1 THEN 20000 ELSE 10 END) AS position`
  await sql`INSERT INTO branches (id, chat_id, parent_branch_id, fork_branch_id, fork_position, head)
    SELECT gen_random_uuid(), ${chatId}, ${chatId}, ${chatId}, 19000 + number, 19001 + number
    FROM generate_series(1, 500) AS number`
  await sql`INSERT INTO messages (id, chat_id, branch_id, position, seq, sender_type, content, client_id)
    SELECT gen_random_uuid(), chat_id, id, head, 30000 + head, 'user', 'Of a branch', gen_random_uuid() FROM branches
    WHERE chat_id = ${chatId} AND id <> chat_id`
  await sql`UPDATE branches SET head = 20000 WHERE id = ${chatId}`
  await sql`INSERT INTO message_extensions (id, message_id, type, sender_id, data)
    SELECT gen_random_uuid(), id, 'reaction', ${ownerId}, '{"key":"like"}' FROM messages WHERE position % 5 = 0`
  await sql`UPDATE messages SET extended = true WHERE position % 5 = 0`
  await sql`INSERT INTO sources (id, message_id, position, title)
    SELECT gen_random_uuid(), id, 1, 'What it is based on' FROM messages WHERE position % 5 = 0`
  await sql`INSERT INTO files (id, owner_id, name, original_name, mime_type, file_type, size, sha256)
    SELECT gen_random_uuid(), ${ownerId}, 'a.txt', 'a.txt', 'text/plain', 'text', 1, '' FROM generate_series(1, 3000)`
  await sql`INSERT INTO message_files (message_id, file_id, position)
    SELECT message.id, file.id, 1 FROM
      (SELECT id, row_number() OVER () AS number FROM messages WHERE position % 5 = 0) AS message
      JOIN (SELECT id, row_number() OVER () AS number FROM files) AS file USING (number)`
  await sql`INSERT INTO events (chat_id, seq, type, data, at)
    SELECT chat_id, row_number() OVER (PARTITION BY chat_id ORDER BY seq), 'chat.restored', '{}', now() FROM messages
    WHERE chat_id IN (SELECT id FROM made)`
  await sql`UPDATE chats SET last_seq = (SELECT max(seq) FROM events WHERE chat_id = chats.id)
    WHERE id IN (SELECT id FROM made)`
  await sql`INSERT INTO visitor_revocations (user_id) SELECT 'customer-' || number FROM made`
  await sql`DROP TABLE made`
  const [{ messageId, branchId } = { messageId: '', branchId: '' }] = await sql<Omit<Place, 'chatId'>[]>`
    SELECT messages.id AS "messageId", branches.id AS "branchId" FROM messages JOIN branches ON fork_position = position
    WHERE branch_id = ${chatId} AND fork_branch_id = ${chatId} AND position = 19100`
  return { chatId, messageId, branchId }
}
