import type { TestDatabase } from '../../support/database.ts'
import { type PrivateRedis, startRedis } from '../../support/redis.ts'
import { until } from '../../support/wait.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { Ledger } from '../rig/ledger.ts'
import { closesOf, LiveReader, total } from '../rig/live-reader.ts'
import { keepPosting } from '../rig/posting.ts'
import { verifyReaders } from '../rig/verify.ts'
import { Hearing } from './hearing.ts'
import { type Loss, lose } from './outage.ts'
import { SessionProbe } from './sessions.ts'

const CHATS = 4
const WRITERS = 8
const PAUSE_MS = 5
const WATCHERS = 20
/** How long Redis is away at most. */
const AWAY_MS = 3000

export type RedisLosses = {
  losses: readonly Loss[]
  /** After so many of them one instance is killed as well; not given: none is. */
  killAfter?: number
  limitMs: number
}

/** R3: Redis is lost again and again under posting, with watchers on every instance. */
export async function loseRedisUnderPosting(
  database: TestDatabase,
  losses: RedisLosses,
): Promise<Outcome & { liveAgainMs: number }> {
  const redis = await startRedis()
  const instances = database.kind === 'postgres' ? 2 : 1
  const options = { database, instances, redisUrl: redis.url, limitMs: losses.limitMs }
  try {
    return await Deployment.with(options, (deployment) => run(database.kind, deployment, redis, losses))
  } finally {
    await redis.stop()
  }
}

/** `liveAgainMs`: what it took at most, once Redis was back, until all heard of each other and sessions answered. */
async function run(kind: string, deployment: Deployment, redis: PrivateRedis, { losses, killAfter }: RedisLosses) {
  const { instances } = deployment
  const client = await Client.signUp(deployment)
  const chats = await Promise.all(Array.from({ length: CHATS }, () => client.makeChat()))
  const ledger = new Ledger()
  const hearing = new Hearing(WATCHERS)
  const readers = Array.from({ length: WATCHERS }, (_, number) => {
    const address = () => deployment.addressOf(Math.floor(number / CHATS))
    return new LiveReader({ client, chatId: chats[number % CHATS] ?? '', after: 0, address, ...hearing.of(number) })
  })
  await deployment.within(Promise.all(readers.map((reader) => reader.watches())))
  const writing = keepPosting(client, chats, ledger, { writers: WRITERS, pauseMs: PAUSE_MS })
  const probe = new SessionProbe()
  const probing = probe.run(client, () => ledger.closed)
  let liveAgainMs = 0
  const losing = async () => {
    for (const [index, loss] of losses.entries()) {
      await ledger.grows(50)
      await lose(redis, loss, async () => {
        await ledger.grows(50)
        if (loss !== 'flushed') await Bun.sleep(Math.random() * AWAY_MS)
      })
      const back = performance.now()
      // Who types is told through Redis alone.
      await hearing.everybodyHears(readers, back)
      await until(() => probe.wellSince(back), 'sessions to answer again')
      liveAgainMs = Math.max(liveAgainMs, performance.now() - back)
      if (index + 1 === killAfter) await instances.at(-1)?.killAndRestart()
    }
    await ledger.grows(50)
  }
  await deployment.beside([writing, probing], losing())
  ledger.close()
  await Promise.all([writing, probing])
  const faults = await verifyReaders(deployment, chats, readers, ledger)
  const killed = instances.reduce((sum, { kills }) => sum + kills, 0)
  const closed = total(readers, ({ opened }) => opened - 1)
  if (killed === 0 && closed > 0) faults.push(`${closed} watchers were closed: ${closesOf(readers)}`)
  faults.push(...probe.faults(killed))
  const figures = [
    `${kind}, ${instances.length} instances: Redis ${losses.length} times ${[...new Set(losses)].join(', ')}`,
    `${killed} instances killed`,
    `${ledger.acknowledged.length} acknowledged, ${ledger.retried} posted again`,
    `${WATCHERS} watchers, ${closed} closed, ${total(readers, ({ snapshots }) => snapshots)} snapshots`,
    `live again after at most ${Math.round(liveAgainMs)} ms`,
    `an event told at most ${Math.round(hearing.latestMs(ledger))} ms after its acknowledgement`,
    `sessions ${probe.told}, longest call ${Math.round(probe.longestMs)} ms`,
    `longest post ${Math.round(client.longestMs)} ms`,
  ]
  return { figures: figures.join(', '), faults, liveAgainMs }
}
