import postgres from 'postgres'

// The limit twin of a chat's last messages: the query that ours runs, prepared, and JSON of its rows as they are. Nobody
// is signed in or refused.

const { PORT, DATABASE_URL } = process.env
const sql = postgres(String(DATABASE_URL), { max: 10 })

async function newest(branchId: string, limit: number): Promise<Response> {
  const rows = await sql`
    SELECT id, chat_id, branch_id, position, seq, sender_type, sender_id, content, status, metadata, client_id, extended,
      created_at, edited_at, settled_at, deleted_at
    FROM messages WHERE branch_id = ${branchId} AND position <= ${2_147_483_647} ORDER BY position DESC LIMIT ${limit}`
  const json = Buffer.from(JSON.stringify({ items: rows.reverse() }))
  // As ours does it, and why: see src/api/encoded.ts.
  const body = new ReadableStream({
    start(stream) {
      stream.enqueue(json)
      stream.close()
    },
  })
  return new Response(body, { headers: { 'content-type': 'application/json;charset=utf-8' } })
}

Bun.serve({
  port: Number(PORT),
  hostname: '127.0.0.1',
  routes: {
    '/health/live': new Response('alive'),
    '/api/chats/:chat_id/branches/:branch_id/messages': ({ url, params }) =>
      newest(params.branch_id, Number(new URL(url).searchParams.get('limit'))),
  },
})
