import { jwtVerify } from 'jose'
import postgres from 'postgres'
import { createClient } from 'redis'

// The textbook twin of a durable post: our tables, tokens and promises (signed in, access checked, gapless, logged,
// published), by one transaction for each post. Its writes go to the database together, in one round trip. What it leaves
// out: a check of the input, deadlines, refusals with a reason, headers, a log.

const { PORT, DATABASE_URL, REDIS_URL, REDIS_PREFIX, JWT_SECRET } = process.env
const sql = postgres(String(DATABASE_URL), { max: 10 })
const redis = createClient({ url: String(REDIS_URL), commandOptions: { timeout: 0 }, disableClientInfo: true })
redis.on('error', () => {})
await redis.connect()

type Actor = { account: string; login: string; role: string; until: number }
const key = new TextEncoder().encode(JWT_SECRET)
const known = new Map<string, Actor>()

async function actorOf(request: Request): Promise<Actor> {
  const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? ''
  const remembered = known.get(token)
  if (remembered !== undefined && remembered.until > Date.now()) return remembered
  const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], issuer: 'parley', audience: 'parley' })
  const [account, login, role] = [String(payload.sub), String(payload['sid']), String(payload['role'])]
  const actor = { account, login, role, until: 1000 * Number(payload.exp) }
  known.set(token, actor)
  return actor
}

async function post(chatId: string, request: Request): Promise<Response> {
  const { account, login, role } = await actorOf(request)
  const { content, client_id = null } = await request.json()
  const [id, at] = [Bun.randomUUIDv7(), new Date().toISOString()]
  const said = { id, chat_id: chatId, sender_type: 'user', sender_id: account, content, client_id, created_at: at }
  const message = await sql.begin(async (transaction) => {
    const [chat] = await transaction`
      SELECT chats.owner_id, chats.last_seq, branches.id AS branch_id, branches.head,
        EXISTS (SELECT FROM users WHERE id = ${account} AND is_active AND role = ${role})
          AND EXISTS (SELECT FROM logins WHERE id = ${login} AND revoked_at IS NULL) AS stands
      FROM chats JOIN branches ON branches.id = chats.active_branch_id
      WHERE chats.id = ${chatId} AND archived_at IS NULL AND deleted_at IS NULL FOR UPDATE OF chats, branches`
    if (chat?.['owner_id'] !== account || !chat['stands']) throw new Error('forbidden')
    const [branchId, seq, position] = [chat['branch_id'], Number(chat['last_seq']) + 1, chat['head'] + 1]
    const placed = { ...said, branch_id: branchId, position, seq }
    await Promise.all([
      transaction`
        INSERT INTO messages (id, chat_id, branch_id, position, seq, sender_type, sender_id, content, client_id, created_at)
        VALUES (${id}, ${chatId}, ${branchId}, ${position}, ${seq}, 'user', ${account}, ${content}, ${client_id}, ${at})`,
      transaction`
        INSERT INTO events (chat_id, seq, type, data, at)
        VALUES (${chatId}, ${seq}, 'message.created', ${JSON.stringify(placed)}::text::json, ${at})`,
      transaction`UPDATE branches SET head = ${position} WHERE id = ${branchId}`,
      transaction`UPDATE chats SET last_seq = ${seq}, updated_at = ${at} WHERE id = ${chatId}`,
    ])
    return placed
  })
  const json = JSON.stringify(message)
  redis.sPublish(`${REDIS_PREFIX}chat:${chatId}`, json).catch(() => {})
  return new Response(json, { headers: { 'content-type': 'application/json;charset=utf-8' } })
}

Bun.serve({
  port: Number(PORT),
  hostname: '127.0.0.1',
  routes: {
    '/health/live': new Response('alive'),
    '/api/chats/:chat_id/messages': { POST: (request) => post(request.params.chat_id, request) },
  },
})
