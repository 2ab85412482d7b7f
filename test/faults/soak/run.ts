import type { TestDatabase } from '../../support/database.ts'
import { type PrivateRedis, startRedis } from '../../support/redis.ts'
import { lose } from '../r3/outage.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { Ledger } from '../rig/ledger.ts'
import { closesOf, LiveReader, total } from '../rig/live-reader.ts'
import { keepPosting } from '../rig/posting.ts'
import { verifyReaders } from '../rig/verify.ts'

const CHATS = 20
const WRITERS = 10
const PAUSE_MS = 20
/** How long Redis is away, and how long nothing happens, at most. */
const AWAY_MS = 2000

export type Soak = { sockets: number; rounds: number; limitMs: number }

/** Two instances and their Redis are killed at random under posting, while sockets watch. */
export async function killAtRandom(database: TestDatabase, soak: Soak): Promise<Outcome> {
  const redis = await startRedis()
  const options = { database, instances: 2, redisUrl: redis.url, limitMs: soak.limitMs }
  try {
    return await Deployment.with(options, (deployment) => run(deployment, redis, soak))
  } finally {
    await redis.stop()
  }
}

async function run(deployment: Deployment, redis: PrivateRedis, { sockets, rounds }: Soak): Promise<Outcome> {
  const { instances } = deployment
  const client = await Client.signUp(deployment)
  const chats = await Promise.all(Array.from({ length: CHATS }, () => client.makeChat()))
  const ledger = new Ledger()
  const readers = Array.from(
    { length: sockets },
    (_, number) => new LiveReader({ client, chatId: chats[number % CHATS] ?? '', after: 0 }),
  )
  const writing = keepPosting(client, chats, ledger, { writers: WRITERS, pauseMs: PAUSE_MS })
  let redisKills = 0
  const killing = async () => {
    for (let round = 0; round < rounds; round += 1) {
      await ledger.grows(20)
      await Bun.sleep(Math.random() * AWAY_MS)
      // Redis in one round of three, first of all in the first; an instance does not start without it.
      if (round % 3 === 0) {
        await lose(redis, Math.random() < 0.5 ? 'emptied' : 'kept', () => Bun.sleep(Math.random() * AWAY_MS))
        redisKills += 1
      } else await instances[Math.floor(Math.random() * instances.length)]?.killAndRestart()
    }
    await ledger.grows(20)
  }
  await deployment.beside([writing], killing())
  ledger.close()
  await writing
  const faults = await verifyReaders(deployment, chats, readers, ledger)
  const figures = [
    `${sockets} sockets`,
    `${instances.reduce((sum, { kills }) => sum + kills, 0)} kills of instances, ${redisKills} of Redis`,
    `${ledger.acknowledged.length} acknowledged, ${ledger.retried} posted again`,
    `${total(readers, ({ seen }) => seen.length)} told, ${total(readers, ({ snapshots }) => snapshots)} snapshots`,
    `sockets opened ${total(readers, ({ opened }) => opened)} times, closed ${closesOf(readers)}`,
    `longest request ${Math.round(client.longestMs)} ms`,
  ]
  return { figures: figures.join(', '), faults }
}
