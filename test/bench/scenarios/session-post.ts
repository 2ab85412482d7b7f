import type { BenchServer, Ground } from '../harness/ground.ts'
import type { Scenario, Side } from '../harness/scenario.ts'
import { parley } from './parley.ts'
import { sendOnce } from './sending.ts'

// P2: 64 connections post to many sessions. A session is full and each post drops its oldest message, so that every answer
// has the same length for as long as it runs, and dropping, which the API promises, is paid for by both sides.

const LIMIT = new URL('../limits/session-post.ts', import.meta.url)
const TTL_SECONDS = 600
const CONTENT = 'Hello there! Could you tell me where my order is? I have been waiting for it since Monday.'

type Shape = { sessions: number; messages: number }

function ours({ sessions, messages }: Shape): Side {
  return async (ground) => {
    const server = await parley(ground, {
      redis: true,
      env: { CHAT_SESSION_TTL_SECONDS: String(TTL_SECONDS), CHAT_SESSION_MAX_MESSAGES: String(messages) },
    })
    return posting(ground, server, { sessions, messages })
  }
}

function limit({ sessions, messages }: Shape): Side {
  return async (ground) => {
    const server = await ground.start(LIMIT, {
      REDIS_URL: await ground.stores.redisUrl(),
      REDIS_PREFIX: await ground.stores.redisPrefix(),
      TTL_MS: String(TTL_SECONDS * 1000),
      MAX_MESSAGES: String(messages),
    })
    return posting(ground, server, { sessions, messages })
  }
}

function posting(ground: Ground, server: BenchServer, { sessions, messages }: Shape) {
  const requests = Array.from({ length: sessions }, (_, index) => ({
    method: 'POST',
    path: `/v1/chat/sessions/customer-${String(index).padStart(6, '0')}/messages`,
    body: JSON.stringify({ role: 'user', content: CONTENT }),
  }))
  const order = {
    connections: 64,
    requests,
    headers: { 'content-type': 'application/json' },
    status: 201,
    measureMs: 2000,
  }
  let toFill = sessions * messages
  return async () => {
    const { outcome, note } = await sendOnce(ground, server, { ...order, warm: { requests: toFill, ms: 500 } })
    toFill = 0
    return { value: outcome.perSecond, note }
  }
}

const usual: Shape = { sessions: 500, messages: 20 }
const long: Shape = { sessions: 100, messages: 200 }

export const sessionPost: readonly Scenario[] = [
  {
    id: 'P2',
    what: 'session post over Redis, 20 messages',
    unit: 'posts/s',
    ours: ours(usual),
    limit: limit(usual),
    target: { of: 'ratio', atLeast: 0.8 },
  },
  {
    id: 'P2 long',
    what: 'session post over Redis, 200 messages',
    unit: 'posts/s',
    ours: ours(long),
    limit: limit(long),
    target: { of: 'ratio', atLeast: 0.8 },
  },
]
