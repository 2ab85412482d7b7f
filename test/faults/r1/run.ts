import type { TestDatabase } from '../../support/database.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { Ledger } from '../rig/ledger.ts'
import { keepPosting } from '../rig/posting.ts'
import { faultsOf, logOf } from '../rig/stored.ts'
import { read } from './reading.ts'

const CHATS = 4
const WRITERS = 16

/** R1: kills the server again and again under posting, and tells what was lost or doubled. */
export function killUnderPosting(
  database: TestDatabase,
  { kills, limitMs }: { kills: number; limitMs: number },
): Promise<Outcome> {
  return Deployment.with({ database, limitMs }, async (deployment) => {
    const [server] = deployment.instances
    const ledger = new Ledger()
    const client = await Client.signUp(deployment)
    const chats = await Promise.all(Array.from({ length: CHATS }, () => client.makeChat()))
    const writing = keepPosting(client, chats, ledger, { writers: WRITERS })
    const reading = Promise.all(chats.map((chatId) => read(client, chatId, ledger)))
    const killing = async () => {
      for (let kill = 0; kill < kills; kill += 1) {
        await ledger.grows(50 + Math.floor(Math.random() * 250))
        deployment.stop.throwIfAborted()
        await server?.killAndRestart()
      }
      await ledger.grows(50)
    }
    await deployment.beside([writing, reading], killing())
    ledger.close()
    await writing
    ledger.finish()
    const seen = await reading
    await deployment.end()
    const faults = await deployment.stored(async (stored) => {
      const found: string[] = []
      for (const [index, chatId] of chats.entries()) {
        const told = ledger.acknowledged.filter((message) => message.chatId === chatId)
        found.push(...(await faultsOf(stored, chatId, told)))
        const same = JSON.stringify(seen[index]) === JSON.stringify(await logOf(stored, chatId))
        if (!same) found.push(`${chatId}: the reader missed events, or saw some twice or in another order`)
      }
      return found
    })
    const { length: acknowledged } = ledger.acknowledged
    const figures = `${database.kind}: ${server?.kills} kills, ${acknowledged} acknowledged, ${ledger.retried} posted again`
    return { figures, faults }
  })
}
