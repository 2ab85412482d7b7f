import type { BenchServer, Ground } from '../harness/ground.ts'
import type { Measured, Scenario } from '../harness/scenario.ts'
import { CrossingOutcome, IdleOutcome, PacedOutcome, WatchOutcome } from '../load/orders.ts'
import { MAIN, parley, parleyEnv } from './parley.ts'
import { newPerson } from './person.ts'

// The live socket: how fast a chat's events reach those who watch it (P4), what an idle watcher costs (P6), and what it
// takes to reach the watchers of another instance (P7).

const WATCH_LOAD = new URL('../load/live-watchers.ts', import.meta.url)
const IDLE_LOAD = new URL('../load/idlers.ts', import.meta.url)
const CROSSING_LOAD = new URL('../load/crossing.ts', import.meta.url)
const PACED_LOAD = new URL('../load/paced-inserts.ts', import.meta.url)
const FAN_OUT_LIMIT = new URL('../limits/live-fan-out.ts', import.meta.url)
const IDLE_LIMIT = new URL('../limits/idle-socket.ts', import.meta.url)

/** What is posted while it is taken how long that takes to cross. */
const PACE = { count: 1000, everyMs: 4 }

/** One account stands for all of them here. */
const UNLIMITED = {
  LIMIT_SOCKETS_PER_ACCOUNT: '100000',
  LIMIT_SOCKETS_PER_ADDRESS: '100000',
  LIMIT_FRAMES_PER_SECOND: '1000000',
}

async function fanOut(
  ground: Ground,
  servers: readonly BenchServer[],
  who: { headers: Record<string, string>; chatId: string },
): Promise<Measured> {
  const outcome = await ground.load(
    WATCH_LOAD,
    {
      ports: servers.map(({ port }) => port),
      pid: servers[0]?.pid ?? 0,
      ...who,
      watchers: 500,
      // Many: a socket's posts are stored one after the other, and what Bun sends out together is what comes in together.
      posters: 99,
      window: 5,
      contentLength: 90,
      warmMs: 1000,
      measureMs: 3000,
    },
    WatchOutcome,
  )
  const note = `${outcome.messages} messages, each seen once and in one order by all 500; frames of ${outcome.frameBytes} bytes; ${outcome.cpuPerMessage.toFixed(0)} µs of the (first) server's CPU time a message`
  return { value: outcome.deliveriesPerSecond, note }
}

/** A new chat each round. */
async function watching(ground: Ground, servers: readonly BenchServer[]) {
  const [first] = servers
  if (first === undefined) throw new Error('no server')
  const { headers, chatIds } = await newPerson(first, 20)
  let round = 0
  return () => {
    round += 1
    return fanOut(ground, servers, { headers, chatId: chatIds[round % chatIds.length] ?? '' })
  }
}

async function bare(ground: Ground) {
  const server = await ground.start(FAN_OUT_LIMIT)
  return () => fanOut(ground, [server], { headers: {}, chatId: Bun.randomUUIDv7() })
}

async function instances(ground: Ground): Promise<[BenchServer, BenchServer]> {
  const env = await parleyEnv(ground, { redis: true, env: UNLIMITED })
  return [await ground.start(MAIN, env), await ground.start(MAIN, env)]
}

function idle({ chats, sockets }: { chats: number; sockets: number }) {
  const order = { sockets, settleMs: 15_000 }
  return {
    ours: async (ground: Ground) => {
      const env = await parleyEnv(ground, { redis: true, env: UNLIMITED })
      const first = await ground.start(MAIN, env)
      const { headers, chatIds } = await newPerson(first, chats)
      await first.stop()
      return async () => {
        const server = await ground.start(MAIN, env)
        const outcome = await ground.load(
          IDLE_LOAD,
          { ...order, port: server.port, pid: server.pid, headers, chatIds },
          IdleOutcome,
        )
        await server.stop()
        return noted(outcome)
      }
    },
    limit: async (ground: Ground) => async () => {
      const server = await ground.start(IDLE_LIMIT)
      const chatIds = Array.from({ length: chats }, () => Bun.randomUUIDv7())
      const outcome = await ground.load(
        IDLE_LOAD,
        { ...order, port: server.port, pid: server.pid, headers: {}, chatIds },
        IdleOutcome,
      )
      await server.stop()
      return noted(outcome)
    },
  }
}

function noted({ bytesPerSocket, before, after }: { bytesPerSocket: number; before: number; after: number }): Measured {
  const mb = (bytes: number) => (bytes / 1_048_576).toFixed(0)
  return { value: bytesPerSocket / 1024, note: `from ${mb(before)} to ${mb(after)} MB` }
}

export const live: readonly Scenario[] = [
  {
    id: 'P4 chat',
    what: 'live socket, 500 watchers of one chat, each post durable',
    unit: 'deliveries/s',
    ours: async (ground) => watching(ground, [await parley(ground, { env: UNLIMITED })]),
    limit: bare,
    target: { of: 'ratio', atLeast: 0.9 },
  },
  {
    id: 'P6',
    what: 'idle socket that watches a chat of its own, 5,000 of them',
    unit: 'KB/socket',
    ...idle({ chats: 5500, sockets: 5000 }),
    target: { of: 'ours', atMost: 8 },
  },
  {
    id: 'P6 shared',
    what: 'idle socket, 5,000 watch the same chat',
    unit: 'KB/socket',
    ...idle({ chats: 1, sockets: 5000 }),
    target: { of: 'ours', atMost: 8 },
  },
  {
    id: 'P7',
    what: 'from sending a post until a watcher of another instance has it, p99',
    unit: 'ms',
    ours: async (ground) => {
      const [from, to] = await instances(ground)
      const { headers, chatIds } = await newPerson(from, 20)
      let round = 0
      return async () => {
        round += 1
        const { count: posts, everyMs } = PACE
        const order = { from: from.port, to: to.port, headers, chatId: chatIds[round % 20], posts, everyMs }
        const { p50, p99, sameP50, sameP99, extraP99 } = await ground.load(CROSSING_LOAD, order, CrossingOutcome)
        const ms = (value: number) => value.toFixed(1)
        return {
          value: p99,
          note: `median ${ms(p50)}; on the same instance ${ms(sameP50)}, p99 ${ms(sameP99)}; the other later by ${ms(extraP99)} at p99`,
        }
      }
    },
    limit: async (ground) => {
      const databaseUrl = await ground.stores.databaseUrl()
      return async () => {
        const { p50, p99 } = await ground.load(
          PACED_LOAD,
          { databaseUrl, rows: PACE.count, everyMs: PACE.everyMs },
          PacedOutcome,
        )
        return { value: p99, note: `bare INSERTs at that pace; median ${p50.toFixed(1)}` }
      }
    },
    target: { of: 'ours', atMost: 10 },
  },
  {
    id: 'P7 fan-out',
    what: 'live socket, 500 watchers of one chat on two instances (against one)',
    unit: 'deliveries/s',
    ours: async (ground) => watching(ground, await instances(ground)),
    limit: async (ground) => watching(ground, [await parley(ground, { redis: true, env: UNLIMITED })]),
  },
]
