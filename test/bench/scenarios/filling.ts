import postgres, { type Sql } from 'postgres'

// Fills chats by SQL with what the server would have written: the same rows in the same tables, with ids in the order of
// time. Posting a million messages would take minutes.

const CONTENT = 'Hello there! Could you tell me where my order is? I have been waiting for it since Monday.'

/** A chat that is filled: the branch that its posts went to last, and the newest message there. */
export type Filled = { branchId: string; messageId: string }

/** Posts so many messages to the root branch of a chat that has none. */
export function fillRoot(databaseUrl: string, chatId: string, senderId: string, count: number): Promise<Filled> {
  return filling(databaseUrl, async (sql) => {
    await say(sql, { chatId, branchId: chatId, senderId, from: 1, to: count })
    return { branchId: chatId, messageId: await newestOf(sql, chatId) }
  })
}

/** Forks `depth` times, each branch from the one before after its `own` messages; the root has 100. */
export function fillDeep(
  databaseUrl: string,
  chatId: string,
  senderId: string,
  { depth, own }: { depth: number; own: number },
): Promise<Filled> {
  return filling(databaseUrl, async (sql) => {
    let [branchId, head] = [chatId, 100]
    await say(sql, { chatId, branchId, senderId, from: 1, to: head })
    for (let fork = 1; fork <= depth; fork += 1) {
      const next = Bun.randomUUIDv7()
      await sql`INSERT INTO branches (id, chat_id, parent_branch_id, fork_branch_id, fork_position, head, created_by)
        VALUES (${next}, ${chatId}, ${branchId}, ${branchId}, ${head}, ${head}, ${senderId})`
      await say(sql, { chatId, branchId: next, senderId, from: head + 1, to: head + own })
      branchId = next
      head += own
    }
    return { branchId, messageId: await newestOf(sql, branchId) }
  })
}

async function filling(databaseUrl: string, fill: (sql: Sql) => Promise<Filled>): Promise<Filled> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  try {
    const filled = await fill(sql)
    await sql`ANALYZE`
    return filled
  } finally {
    await sql.end()
  }
}

type Said = { chatId: string; branchId: string; senderId: string; from: number; to: number }

async function say(sql: Sql, { chatId, branchId, senderId, from, to }: Said): Promise<void> {
  const [chat] = await sql<{ last_seq: string }[]>`SELECT last_seq FROM chats WHERE id = ${chatId}`
  const seq = Number(chat?.last_seq) - from + 1
  const start = Date.now() - to
  await sql`INSERT INTO messages (id, chat_id, branch_id, position, seq, sender_type, sender_id, content, created_at)
    SELECT (lpad(to_hex(${start}::bigint + n), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8' ||
        substr(md5(random()::text), 1, 15))::uuid,
      ${chatId}, ${branchId}, n, n + ${seq}, 'user', ${senderId}, ${CONTENT}, to_timestamp((${start}::bigint + n) / 1000.0)
    FROM generate_series(${from}::int, ${to}::int) AS n`
  await sql`INSERT INTO events (chat_id, seq, type, data, at)
    SELECT chat_id, seq, 'message.created', json_build_object('id', id, 'chat_id', chat_id, 'message_type', sender_type,
      'sender_type', sender_type, 'sender_id', sender_id, 'content', content, 'status', status, 'metadata', metadata,
      'client_id', client_id, 'branch_id', branch_id, 'position', position), created_at
    FROM messages WHERE branch_id = ${branchId} AND position BETWEEN ${from} AND ${to} ORDER BY position`
  await sql`UPDATE branches SET head = ${to} WHERE id = ${branchId}`
  await sql`UPDATE chats SET last_seq = ${seq + to} WHERE id = ${chatId}`
}

async function newestOf(sql: Sql, branchId: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    SELECT id FROM messages WHERE branch_id = ${branchId} ORDER BY position DESC LIMIT 1`
  return row?.id ?? ''
}
