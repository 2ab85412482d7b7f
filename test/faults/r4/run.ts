import type { TestDatabase } from '../../support/database.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { Ledger } from '../rig/ledger.ts'
import { closesOf, LiveReader, total } from '../rig/live-reader.ts'
import { keepPosting } from '../rig/posting.ts'
import { withRedis } from '../rig/redis.ts'
import { verifyReaders } from '../rig/verify.ts'

const CHATS = 10
const WRITERS = 10
/** Each writer rests between two posts: what is looked for is lost among reconnects, not among posts. */
const PAUSE_MS = 25

/** R4: clients of two instances lose their connections again and again while others post. */
export function reconnectUnderPosting(
  database: TestDatabase,
  { clients, reconnects, limitMs }: { clients: number; reconnects: number; limitMs: number },
): Promise<Outcome> {
  return withRedis((redisUrl) =>
    Deployment.with({ database, instances: 2, redisUrl, limitMs }, async (deployment) => {
      const client = await Client.signUp(deployment)
      const chats = await Promise.all(Array.from({ length: CHATS }, () => client.makeChat()))
      const ledger = new Ledger()
      const writing = keepPosting(client, chats, ledger, { writers: WRITERS, pauseMs: PAUSE_MS })
      const readers = Array.from(
        { length: clients },
        (_, number) => new LiveReader({ client, chatId: chats[number % CHATS] ?? '', after: 0 }),
      )
      const reconnecting = Promise.all(readers.map((reader) => reconnect(reader, reconnects)))
      await deployment.beside([writing], reconnecting)
      ledger.close()
      await writing
      const faults = await verifyReaders(deployment, chats, readers, ledger)
      for (const reader of readers) reader.end()
      const opened = total(readers, ({ opened }) => opened)
      const figures = [
        `${clients} clients`,
        `${opened - clients} reconnects`,
        `${ledger.acknowledged.length} acknowledged`,
        `${total(readers, ({ seen }) => seen.length)} told`,
        `${total(readers, ({ snapshots }) => snapshots)} snapshots`,
        `closed by the server: ${closesOf(readers)}`,
      ]
      return { figures: figures.join(', '), faults }
    }),
  )
}

/** Drops its connection at a random moment: before it watches, while it is told of the past, or later. */
async function reconnect(reader: LiveReader, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const moment = Math.random()
    if (moment > 0.2) await reader.watches()
    if (moment > 0.5) await reader.reaches((reader.cursor ?? 0) + Math.ceil(Math.random() * 5))
    reader.drop()
    // Opened, and dropped before it was answered.
    if (moment < 0.1) await Bun.sleep(Math.random() * 20)
  }
}
