import type { BenchServer, Ground } from '../harness/ground.ts'
import type { Measured, Scenario, Side } from '../harness/scenario.ts'
import { type Filled, fillDeep, fillRoot } from './filling.ts'
import { MAIN, parleyEnv } from './parley.ts'
import { newPerson, type Person } from './person.ts'
import { rate, time } from './sending.ts'

// P3 and P8: pages of 50 messages.

const LAST_MESSAGES = new URL('../limits/last-messages.ts', import.meta.url)
const MANY = 1_000_000
const FEW = 100

/** One chat, and our server on it or the process that `entry` names. */
type Place = { ground: Ground; server: BenchServer; chatId: string; person: Person } & Filled
type Fill = (databaseUrl: string, chatId: string, senderId: string) => Promise<Filled>

const long: Fill = (databaseUrl, chatId, senderId) => fillRoot(databaseUrl, chatId, senderId, MANY)
const short: Fill = (databaseUrl, chatId, senderId) => fillRoot(databaseUrl, chatId, senderId, FEW)
/** With one message each: a page of it crosses a fork at every message, which is the hardest to read. */
const deep: Fill = (databaseUrl, chatId, senderId) => fillDeep(databaseUrl, chatId, senderId, { depth: FEW, own: 1 })

async function place(ground: Ground, fill: Fill, entry = MAIN): Promise<Place> {
  const env = await parleyEnv(ground, {})
  const ours = await ground.start(MAIN, env)
  const person = await newPerson(ours, 1)
  const [chatId = ''] = person.chatIds
  const filled = await fill(env['DATABASE_URL'] ?? '', chatId, person.accountId)
  // It may have looked at the chat while that was empty: as after a restart.
  await ours.stop()
  return { ground, server: await ground.start(entry, env), chatId, person, ...filled }
}

type Ask = (place: Place) => () => Promise<Measured>

function side(fill: Fill, ask: Ask, entry?: URL): Side {
  return async (ground) => ask(await place(ground, fill, entry))
}

const newest: Ask = ({ ground, server, chatId, branchId, person: { headers } }) =>
  rate(ground, server, {
    connections: 64,
    requests: [{ method: 'GET', path: `/api/chats/${chatId}/branches/${branchId}/messages?limit=50` }],
    headers,
    status: 200,
    warm: { requests: 0, ms: 750 },
    measureMs: 2000,
  })

/** Few at once: the time of an answer, not of a queue. */
const alone = { connections: 4, warm: { requests: 0, ms: 500 }, measureMs: 1500 }

const newestTime: Ask = ({ ground, server, chatId, branchId, person: { headers } }) => {
  const requests = [{ method: 'GET', path: `/api/chats/${chatId}/branches/${branchId}/messages?limit=50` }]
  return time(ground, server, { ...alone, requests, headers, status: 200 })
}

/** The pages before messages all over the branch. */
function olderTime(count: number): Ask {
  return ({ ground, server, chatId, branchId, person: { headers } }) => {
    const step = (count - 50) / 1000
    const requests = Array.from({ length: 1000 }, (_, index) => {
      // By steps of 389, which has no part in 1000: neighbours in time are none in the branch.
      const before = 51 + Math.floor(((index * 389) % 1000) * step)
      return { method: 'GET', path: `/api/chats/${chatId}/branches/${branchId}/messages?limit=50&before=${before}` }
    })
    return time(ground, server, { ...alone, requests, headers, status: 200 })
  }
}

const branchTime: Ask = ({ ground, server, chatId, messageId, person: { headers } }) => {
  const requests = [{ method: 'POST', path: `/api/chats/${chatId}/messages/${messageId}/branches`, body: '{}' }]
  // Whoever makes one has the chat locked. Briefly: a chat takes no more than 10,000 of them.
  const briefly = { connections: 1, warm: { requests: 0, ms: 200 }, measureMs: 700 }
  return time(ground, server, { ...briefly, requests, headers, status: 201 })
}

const inTime = { of: 'ratio', atMost: 1.5 } as const

export const history: readonly Scenario[] = [
  {
    id: 'P3',
    what: 'the last 50 messages of a chat',
    unit: 'pages/s',
    ours: side(short, newest),
    limit: side(short, newest, LAST_MESSAGES),
    target: { of: 'ratio', atLeast: 0.8 },
  },
  {
    id: 'P8',
    what: 'the last 50 of 1,000,000 messages, against 100',
    unit: 'ms',
    ours: side(long, newestTime),
    limit: side(short, newestTime),
    target: inTime,
  },
  {
    id: 'P8 older',
    what: 'any 50 of 1,000,000 messages, against 100',
    unit: 'ms',
    ours: side(long, olderTime(MANY)),
    limit: side(short, olderTime(FEW)),
    target: inTime,
  },
  {
    id: 'P8 deep',
    what: 'the last 50 of a branch 100 forks deep',
    unit: 'ms',
    ours: side(deep, newestTime),
    limit: side(short, newestTime),
    target: inTime,
  },
  {
    id: 'P8 branch',
    what: 'a branch of 1,000,000 messages, against 100',
    unit: 'ms',
    ours: side(long, branchTime),
    limit: side(short, branchTime),
    target: inTime,
  },
]
