import { type PrivatePostgres, startPostgres } from '../../support/postgres.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { Ledger } from '../rig/ledger.ts'
import { closesOf, LiveReader, total } from '../rig/live-reader.ts'
import { keepPosting } from '../rig/posting.ts'
import { verifyReaders } from '../rig/verify.ts'

const CHATS = 4
const WRITERS = 16
const WATCHERS = 8
/** How long Postgres is away at most, beside the time that it takes to come back. */
const AWAY_MS = 2000

export type PostgresLosses = { kills: number; limitMs: number }
type Measured = Outcome & {
  /** What it took at most from Postgres being back to the next acknowledgement of every writer's, in milliseconds. */
  postingAgainMs: number
  longestMs: number
}

/** R2: Postgres is killed again and again under posting. */
export async function killPostgresUnderPosting({ kills, limitMs }: PostgresLosses): Promise<Measured> {
  const postgres = await startPostgres()
  const target = { kind: 'postgres', url: postgres.url, poolSize: 5 } as const
  const place = async () => ({ target, remove: async () => {} })
  try {
    return await Deployment.with({ database: { place }, limitMs }, (deployment) => run(deployment, postgres, kills))
  } finally {
    await postgres.remove()
  }
}

async function run(deployment: Deployment, postgres: PrivatePostgres, kills: number): Promise<Measured> {
  const client = await Client.signUp(deployment)
  const chats = await Promise.all(Array.from({ length: CHATS }, () => client.makeChat()))
  const ledger = new Ledger()
  const readers = Array.from(
    { length: WATCHERS },
    (_, number) => new LiveReader({ client, chatId: chats[number % CHATS] ?? '', after: 0 }),
  )
  await deployment.within(Promise.all(readers.map((reader) => reader.watches())))
  const writing = keepPosting(client, chats, ledger, { writers: WRITERS })
  let postingAgainMs = 0
  const killing = async () => {
    for (let kill = 0; kill < kills; kill += 1) {
      await ledger.grows(200)
      await postgres.kill()
      await Bun.sleep(Math.random() * AWAY_MS)
      await postgres.start()
      const back = performance.now()
      await ledger.grows(WRITERS)
      postingAgainMs = Math.max(postingAgainMs, performance.now() - back)
    }
    await ledger.grows(200)
  }
  await deployment.beside([writing], killing())
  ledger.close()
  await writing
  const { longestMs } = client
  const faults = await verifyReaders(deployment, chats, readers, ledger)
  const figures = [
    `${kills} kills`,
    `${ledger.acknowledged.length} acknowledged, ${ledger.retried} posted again`,
    `posting again after at most ${Math.round(postingAgainMs)} ms`,
    `longest request ${Math.round(longestMs)} ms`,
    `${WATCHERS} watchers, ${total(readers, ({ opened }) => opened - 1)} closed: ${closesOf(readers)}`,
  ]
  return { figures: figures.join(', '), faults, postingAgainMs, longestMs }
}
