import { createClient } from 'redis'

// The limit twin of posting to a session: bare Bun.serve and one Redis pipeline with the effects that the API promises
// (appended, trimmed, expiring, indexed, published) and its answer (the whole conversation). What it leaves out: a check of
// the input, atomicity, positions, deadlines, refusals, headers, a log.

const { PORT, REDIS_URL, REDIS_PREFIX, TTL_MS, MAX_MESSAGES } = process.env
const prefix = String(REDIS_PREFIX)
const ttlMs = Number(TTL_MS)
const maxMessages = Number(MAX_MESSAGES)
// As ours: no AbortSignal per command.
const redis = createClient({ url: String(REDIS_URL), commandOptions: { timeout: 0 }, disableClientInfo: true })
redis.on('error', () => {})
await redis.connect()

async function post(sessionId: string, request: Request): Promise<Response> {
  const { role, content } = await request.json()
  const at = new Date()
  const message = JSON.stringify({ id: crypto.randomUUID(), role, content, created_at: at.toISOString() })
  const key = `${prefix}{session:${sessionId}}`
  const [, , , , , messages] = await Promise.all([
    redis.zAdd(`${prefix}sessions`, { score: at.getTime() + ttlMs, value: sessionId }),
    redis.rPush(key, message),
    redis.lTrim(key, -maxMessages, -1),
    redis.pExpire(key, ttlMs),
    redis.sPublish(key, message),
    redis.lRange(key, 0, -1),
  ])
  return new Response(`{"session_id":"${sessionId}","messages":[${messages.join(',')}]}`, {
    status: 201,
    headers: { 'content-type': 'application/json;charset=utf-8' },
  })
}

Bun.serve({
  port: Number(PORT),
  hostname: '127.0.0.1',
  routes: {
    '/health/live': new Response('alive'),
    '/v1/chat/sessions/:session_id/messages': { POST: (request) => post(request.params.session_id, request) },
  },
})
