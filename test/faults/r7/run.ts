import { APOLOGY } from '../../../src/adapters/answerers/callback.ts'
import type { TestDatabase } from '../../support/database.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { LiveReader } from '../rig/live-reader.ts'
import { withRedis } from '../rig/redis.ts'
import { AiService } from './ai-service.ts'
import { Balancer } from './balancer.ts'
import { faultsOf, type Killed, type StoredAnswer } from './expected.ts'
import { MODES, type Mode, questionOf, randomOf, scriptOf } from './script.ts'
import { StreamReader } from './stream-reader.ts'
import { AnswerView } from './view.ts'

export type AnswerLoad = {
  answers: number
  /** Answered at once. */
  atOnce: number
  /** All of `MODES` where it is not given. */
  modes?: readonly Mode[]
  /** How often an instance is killed meanwhile, and the AI service. */
  kills?: number
  serviceKills?: number
  limitMs: number
}

/** What the server waits for an answer's first piece, and for each next one, in seconds. */
const TIMES = { ANSWER_FIRST_SECONDS: '10', ANSWER_PAUSE_SECONDS: '6' }
/** A watcher that joins while an answer is made does so within this. */
const JOIN_MS = 400

type Watcher = { view: AnswerView; name: string; reader: { opened: number; end(): void } }
type Watched = { question: string; mode: Mode; watchers: Watcher[] }

/**
 * R7: an AI service answers as badly as it can, with watchers everywhere; instances and the service itself are killed. On a
 * database that can be shared: two instances over one Redis.
 */
export async function answerBadly(database: TestDatabase, load: AnswerLoad): Promise<Outcome> {
  using balancer = new Balancer()
  const service = await AiService.start()
  const variables = {
    ANSWERING: 'true',
    AI_SERVICE_URL: service.url,
    PUBLIC_URL: balancer.url,
    ...TIMES,
  }
  const run = (stores: { instances: number; redisUrl?: string }) =>
    Deployment.with({ database, ...stores, variables, limitMs: load.limitMs }, async (deployment) => {
      balancer.leadTo(() => deployment.address())
      const outcome = await answerAll(deployment, service, load)
      return { ...outcome, figures: `${database.kind}, ${outcome.figures}` }
    })
  try {
    if (database.kind === 'embedded') return await run({ instances: 1 })
    return await withRedis((redisUrl) => run({ instances: 2, redisUrl }))
  } finally {
    await service.stop()
  }
}

async function answerAll(deployment: Deployment, service: AiService, load: AnswerLoad): Promise<Outcome> {
  const { answers, atOnce, kills = 0, serviceKills = 0, modes = MODES } = load
  const client = await Client.signUp(deployment)
  const watched: Watched[] = []
  let begun = 0
  const work = async () => {
    for (let number = begun++; number < answers; number = begun++) {
      const mode = modes[number % modes.length] ?? 'plain'
      watched.push(await watch(client, number, mode))
    }
  }
  const working = Promise.all(Array.from({ length: atOnce }, work))
  const killing = disturb(deployment, service, { kills, serviceKills }, (part) => begun >= answers * part)
  await deployment.beside([killing], working)
  const instanceKills = deployment.instances.reduce((sum, instance) => sum + instance.kills, 0)
  const killed = {
    instances: instanceKills > 0,
    memory: instanceKills > 0 && deployment.target.kind === 'embedded',
    service: service.kills > 0,
  }
  const { asked, statuses } = await service.figures()
  const faults = await judged(deployment, watched, killed)
  const all = watched.flatMap(({ watchers }) => watchers)
  const told = [...statuses].sort().map(([status, times]) => `${status}: ${times}`)
  for (const wrong of ['400', '401', '404', '413', '422', '500']) {
    if (statuses.has(wrong)) faults.lines.push(`${statuses.get(wrong)} calls back were answered with ${wrong}`)
  }
  const figures = [
    `${deployment.instances.length} instances: ${faults.figures}`,
    `asked ${asked} times, called back with ${told.join(', ')} (0: hung up)`,
    `${all.length} watchers, ${all.filter(({ reader }) => reader.opened > 1).length} came back`,
    `${instanceKills} instances and ${service.kills} services killed`,
  ]
  return { figures: figures.join(', '), faults: faults.lines }
}

/** One answer, in a chat of its own, watched until its end from before, while and after it is made. */
async function watch(client: Client, number: number, mode: Mode): Promise<Watched> {
  const question = questionOf(number, mode)
  const random = randomOf(number + 2_000_000)
  const chatId = await client.makeChat()
  const socket = (instance: number): Watcher => {
    const view = new AnswerView()
    const hear = view.hear.bind(view)
    const address = () => client.deployment.addressOf(instance)
    const reader = new LiveReader({ client, chatId, after: 0, address, onEvent: hear, onFrame: hear })
    return { view, name: 'a socket', reader }
  }
  const stream = (): Watcher => {
    const view = new AnswerView()
    const reader = new StreamReader({ client, chatId, onFrame: (frame) => view.hear(frame) })
    return { view, name: 'a stream', reader }
  }
  const watchers = [number % 2 === 0 ? socket(number) : stream()]
  await client.ask({
    path: `/api/chats/${chatId}/messages`,
    body: { content: question, client_id: crypto.randomUUID() },
  })
  await Bun.sleep(random() * JOIN_MS)
  watchers.push(socket(number + 1))
  await Bun.sleep(random() * JOIN_MS)
  watchers.push(stream())
  await Promise.all(watchers.map(({ view }) => view.ends()))
  const late = socket(number)
  await late.view.ends()
  watchers.push(late)
  for (const { reader } of watchers) reader.end()
  return { question, mode, watchers }
}

/** Kills them one after the other, spread over the run. */
async function disturb(
  { instances }: Deployment,
  service: AiService,
  { kills, serviceKills }: { kills: number; serviceKills: number },
  reached: (part: number) => boolean,
): Promise<void> {
  const total = kills + serviceKills
  for (let count = 0; count < total; count += 1) {
    while (!reached((count + 1) / (total + 1))) await Bun.sleep(20)
    if (count < kills) await instances[count % instances.length]?.killAndRestart()
    else await service.killAndRestart()
  }
}

async function judged(deployment: Deployment, watched: readonly Watched[], killed: Killed) {
  const stored = await deployment.stored(
    ({ sql }) => sql<StoredAnswer[]>`
    SELECT question.content AS question, message.status, message.content, run.error,
      (SELECT count(*)::int FROM answers WHERE message_id = message.id AND status IN ('pending', 'processing')) AS running,
      count(event.seq)::int AS ends, max(event.data ->> 'status') AS ended_status, max(event.data ->> 'content') AS ended_content
    FROM answers AS run JOIN messages AS message ON message.id = run.message_id
    JOIN messages AS question ON question.id = run.question_id
    LEFT JOIN events AS event ON event.chat_id = run.chat_id AND event.type = 'answer.ended'
    GROUP BY question.content, message.id, run.id`,
  )
  const byQuestion = new Map(stored.map((answer) => [answer.question, answer]))
  const lines = stored.length === watched.length ? [] : [`${stored.length} answers to ${watched.length} questions`]
  const ends = new Map<string, number>()
  for (const { question, mode, watchers } of watched) {
    const answer = byQuestion.get(question)
    if (answer === undefined) {
      lines.push(`${question}: was not answered`)
      continue
    }
    const script = scriptOf(question)
    lines.push(...faultsOf(answer, script, killed))
    const isWhole = answer.status === 'completed' || /^(refuses|hangs|silent|dies|gap)$/.test(mode)
    const end = isWhole ? answer.status : 'failed half way'
    ends.set(end, (ends.get(end) ?? 0) + 1)
    for (const { view, name, reader } of watchers) {
      const told = reader.opened === 1 ? 'all' : 'some'
      const mayBeLess = killed.memory && answer.status === 'failed'
      const isOther = mode === 'replaced' || answer.content === APOLOGY || mayBeLess
      const found = view.faultsBy(answer, isOther ? 'other' : told)
      lines.push(...found.map((fault) => `${question}: ${name} ${fault}`))
    }
  }
  const figures = [...ends].map(([end, times]) => `${times} ${end}`).join(', ')
  return { lines, figures: `${watched.length} answers (${figures})` }
}
