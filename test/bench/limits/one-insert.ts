import postgres from 'postgres'

// The limit twin of a durable post: one INSERT, and none of its promises. Nobody is signed in or refused, nothing is in
// order, logged or published; the row has what it takes to be read back, a key and the index of its chat.

const { PORT, DATABASE_URL } = process.env
const sql = postgres(String(DATABASE_URL), { max: 10 })
await sql`CREATE TABLE messages (id uuid PRIMARY KEY, chat_id uuid NOT NULL, content text NOT NULL, created_at timestamptz NOT NULL)`
await sql`CREATE INDEX ON messages (chat_id, created_at)`

async function post(chatId: string, request: Request): Promise<Response> {
  const { content } = await request.json()
  const message = { id: Bun.randomUUIDv7(), chat_id: chatId, content, created_at: new Date().toISOString() }
  await sql`INSERT INTO messages (id, chat_id, content, created_at)
    VALUES (${message.id}, ${chatId}, ${content}, ${message.created_at})`
  return new Response(JSON.stringify(message), { headers: { 'content-type': 'application/json;charset=utf-8' } })
}

Bun.serve({
  port: Number(PORT),
  hostname: '127.0.0.1',
  routes: {
    '/health/live': new Response('alive'),
    '/api/chats/:chat_id/messages': { POST: (request) => post(request.params.chat_id, request) },
  },
})
