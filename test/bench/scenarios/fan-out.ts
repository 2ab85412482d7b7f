import type { BenchServer, Ground } from '../harness/ground.ts'
import type { Scenario } from '../harness/scenario.ts'
import { WatchOutcome } from '../load/orders.ts'
import { parley } from './parley.ts'

// P4: 500 sockets watch one session, and some of them post to it as fast as their messages come back to them.
//
// The target is held against the row in memory: there both sides do the same, from a frame that comes in to 500 that go
// out. Over Redis each message is stored and comes back by pub/sub first, which the limit does not do. It has more posters,
// because a socket's messages are stored one after the other, and what Bun sends out together is what comes in together.

const WATCH_LOAD = new URL('../load/watchers.ts', import.meta.url)
const LIMIT = new URL('../limits/fan-out.ts', import.meta.url)

type Posters = { posters: number; window: number }

function watching(ground: Ground, server: BenchServer, { posters, window }: Posters) {
  let round = 0
  return async () => {
    round += 1
    const outcome = await ground.load(
      WATCH_LOAD,
      {
        port: server.port,
        pid: server.pid,
        // Of the length of the limit's, so that the frames are as long; a new one, so that joining is as cheap every time.
        path: `/v1/chat/sessions/r${String(round).padStart(3, '0')}/ws`,
        watchers: 500,
        posters,
        window,
        contentLength: 90,
        warmMs: 1000,
        measureMs: 3000,
      },
      WatchOutcome,
    )
    const note = `${outcome.messages} messages, each seen once and in one order by all 500; frames of ${outcome.frameBytes} bytes; ${outcome.cpuPerMessage.toFixed(0)} µs of the server's CPU time a message`
    return { value: outcome.deliveriesPerSecond, note }
  }
}

const few: Posters = { posters: 16, window: 32 }
const many: Posters = { posters: 99, window: 5 }

export const fanOut: readonly Scenario[] = [
  {
    id: 'P4',
    what: 'socket fan-out, 500 watchers, in memory',
    unit: 'deliveries/s',
    ours: async (ground) => watching(ground, await parley(ground), few),
    limit: async (ground) => watching(ground, await ground.start(LIMIT), few),
    target: { of: 'ratio', atLeast: 0.9 },
  },
  {
    id: 'P4 redis',
    what: 'socket fan-out, 500 watchers, over Redis',
    unit: 'deliveries/s',
    ours: async (ground) => watching(ground, await parley(ground, { redis: true }), many),
    limit: async (ground) => watching(ground, await ground.start(LIMIT), many),
  },
]
