import type { BenchServer, Ground } from '../harness/ground.ts'
import type { Scenario } from '../harness/scenario.ts'
import { freePort } from '../harness/waiting.ts'
import { AnswersOutcome } from '../load/orders.ts'
import { parley } from './parley.ts'
import { newPerson } from './person.ts'

// P5: an AI service calls back with the pieces of many answers at once, each at the pace of a model, and each has a few
// watchers. Beside it how much each side spends: with the load on the same cores it is what decides.

const LOAD = new URL('../load/answers.ts', import.meta.url)
const LIMIT = new URL('../limits/answers.ts', import.meta.url)
const ANSWERS = 200
const PER_SECOND = 50
const LOOK_MS = 20

type Pace = { answers: number; perSecond: number }

function answering(
  ground: Ground,
  server: BenchServer,
  who: { headers: Record<string, string>; chatIds: string[]; servicePort: number },
  { perSecond }: Pace,
) {
  return async () => {
    const order = { ...who, port: server.port, watchers: 5, perSecond, pieceLength: 24, warmMs: 1000, measureMs: 3000 }
    const usage = new Usage(server)
    const { p50, p99, pieces, frames, from, to } = await ground
      .load(LOAD, order, AnswersOutcome)
      .finally(() => usage.end())
    const spent = usage.between(from, to) / pieces
    const note = `median ${p50.toFixed(1)} ms; each watcher has each of ${pieces / who.chatIds.length} measured pieces once, in ${frames.toFixed(0)} frames for all; ${spent.toFixed(0)} µs of the server's CPU time a piece`
    return { value: p99, note }
  }
}

/** What a server spends, looked at often enough to tell the pieces from all that goes before and after them. */
class Usage {
  readonly #looks: { at: number; cpu: number }[] = []
  readonly #timer: ReturnType<typeof setInterval>

  constructor(server: BenchServer) {
    this.#timer = setInterval(async () => this.#looks.push({ at: Date.now(), cpu: await server.cpu() }), LOOK_MS)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  /** CPU time in microseconds. */
  between(from: number, to: number): number {
    const at = (time: number) => this.#looks.findLast((look) => look.at <= time)?.cpu ?? Number.NaN
    return at(to) - at(from)
  }
}

function serviceEnv(servicePort: number): Record<string, string> {
  return {
    ANSWERING: 'true',
    AI_SERVICE_URL: `http://127.0.0.1:${servicePort}/process`,
    OUTGOING_ALLOW_PRIVATE: 'true',
    LIMIT_SOCKETS_PER_ACCOUNT: '100000',
    LIMIT_SOCKETS_PER_ADDRESS: '100000',
  }
}

async function ours(ground: Ground, pace: Pace, redis: boolean) {
  const servicePort = await freePort()
  const server = await parley(ground, { redis, env: serviceEnv(servicePort) })
  const { headers, chatIds } = await newPerson(server, pace.answers)
  return answering(ground, server, { headers, chatIds, servicePort }, pace)
}

async function limit(ground: Ground, pace: Pace) {
  const servicePort = await freePort()
  const server = await ground.start(LIMIT, serviceEnv(servicePort))
  const chatIds = Array.from({ length: pace.answers }, () => Bun.randomUUIDv7())
  return answering(ground, server, { headers: {}, chatIds, servicePort }, pace)
}

function row(id: string, what: string, pace: Pace, redis: boolean): Scenario {
  return {
    id,
    what,
    unit: 'ms',
    ours: (ground) => ours(ground, pace, redis),
    limit: (ground) => limit(ground, pace),
    target: { of: 'difference', atMost: 25 },
  }
}

const full = { answers: ANSWERS, perSecond: PER_SECOND }
const half = { answers: ANSWERS / 2, perSecond: PER_SECOND }

export const answers: readonly Scenario[] = [
  row('P5', 'AI stream: 200 answers, 50 deltas/s, 5 watchers each, in memory, p99 of a delta', full, false),
  row('P5 redis', 'the same over Redis', full, true),
  row('P5 half', 'the same with 100 answers, in memory', half, false),
  row('P5 half redis', 'the same with 100 answers, over Redis', half, true),
]
