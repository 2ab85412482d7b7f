import type { BenchServer, Ground } from '../harness/ground.ts'
import type { Scenario, Side } from '../harness/scenario.ts'
import { parley, twin } from './parley.ts'
import { newPerson, type Person } from './person.ts'
import { rate } from './sending.ts'

// P1 and P11: 64 connections post to chats that last, each to one of its own, or all to the same.

const TEXTBOOK = new URL('../limits/textbook-post.ts', import.meta.url)
const ONE_INSERT = new URL('../limits/one-insert.ts', import.meta.url)
const CONNECTIONS = 64
const CONTENT = 'Hello there! Could you tell me where my order is? I have been waiting for it since Monday.'

function posting(ground: Ground, server: BenchServer, { headers, chatIds }: Pick<Person, 'headers' | 'chatIds'>) {
  const requests = Array.from({ length: CONNECTIONS }, (_, index) => ({
    method: 'POST',
    path: `/api/chats/${chatIds[index % chatIds.length]}/messages`,
    body: JSON.stringify({ content: CONTENT }),
  }))
  const warm = { requests: 0, ms: 750 }
  return rate(ground, server, {
    connections: CONNECTIONS,
    requests,
    apart: true,
    headers,
    status: 200,
    warm,
    measureMs: 2500,
  })
}

function ours(chats: number): Side {
  return async (ground) => {
    const server = await parley(ground, { redis: true })
    return posting(ground, server, await newPerson(server, chats))
  }
}

function textbook(chats: number): Side {
  return async (ground) => {
    const { server, prepared } = await twin(ground, TEXTBOOK, { redis: true }, (ours) => newPerson(ours, chats))
    return posting(ground, server, prepared)
  }
}

const oneInsert: Side = async (ground) => {
  const server = await ground.start(ONE_INSERT, { DATABASE_URL: await ground.stores.databaseUrl() })
  const chatIds = Array.from({ length: CONNECTIONS }, () => Bun.randomUUIDv7())
  return posting(ground, server, { headers: { 'content-type': 'application/json' }, chatIds })
}

const embedded: Side = async (ground) => {
  const server = await parley(ground, { directory: await ground.directory() })
  return posting(ground, server, await newPerson(server, CONNECTIONS))
}

export const durablePost: readonly Scenario[] = [
  {
    id: 'P1',
    what: 'durable post, against a transaction for each',
    unit: 'posts/s',
    ours: ours(CONNECTIONS),
    limit: textbook(CONNECTIONS),
    target: { of: 'ratio', atLeast: 4 },
  },
  {
    id: 'P1 insert',
    what: 'durable post, against a bare INSERT',
    unit: 'posts/s',
    ours: ours(CONNECTIONS),
    limit: oneInsert,
    target: { of: 'ratio', atLeast: 1.2 },
  },
  {
    id: 'P1 one chat',
    what: 'durable post, all to one chat',
    unit: 'posts/s',
    ours: ours(1),
    limit: textbook(1),
  },
  {
    id: 'P11',
    what: 'durable post, embedded database',
    unit: 'posts/s',
    ours: embedded,
    target: { of: 'ours', atLeast: 5000 },
  },
]
