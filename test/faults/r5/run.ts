import type { Database } from '../../../src/db/open.ts'
import type { TestDatabase } from '../../support/database.ts'
import { fill } from '../r6/busy.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { Ledger } from '../rig/ledger.ts'
import { LiveReader } from '../rig/live-reader.ts'
import { keepPosting } from '../rig/posting.ts'
import { cursorFaults } from './cursors.ts'
import { forgetUpTo, toldMessages } from './forgetting.ts'
import { stalledFaults } from './stalled.ts'

const MESSAGES = 300
/** What a stalled reader is told of does not fit into what the system holds for it. */
const LONG_MESSAGES = 990
/** Of a chat that forgets while it is read, so much stays. */
const KEPT = 40
const READERS = 20
const FORGET_MS = 50

export type Beyond = { chats: number; cursors: number; returns: number; limitMs: number }

/** R5: readers come back with cursors that the log reaches or not, before and while it forgets. */
export function readBeyondRetention(database: TestDatabase, beyond: Beyond): Promise<Outcome> {
  return Deployment.with({ database, limitMs: beyond.limitMs }, (deployment) =>
    deployment.stored((stored) => run(deployment, stored, beyond)),
  )
}

async function run(deployment: Deployment, stored: Database, { chats, cursors, returns }: Beyond): Promise<Outcome> {
  const client = await Client.signUp(deployment)
  const faults: string[] = []
  let asked = 0
  for (let round = 0; round < chats; round += 1) {
    const chatId = await client.makeChat()
    await deployment.within(fill(client, [chatId], MESSAGES, [20]))
    // What a process has told of itself it still knows, whatever the log forgets.
    await deployment.instances[0]?.killAndRestart()
    const last = await client.newest(chatId)
    const forgotten = 1 + Math.floor(Math.random() * (last - 1))
    await forgetUpTo(stored, chatId, forgotten)
    const some = Array.from({ length: cursors }, () => Math.floor(Math.random() * (last + 1)))
    for (const after of [0, forgotten - 1, forgotten, forgotten + 1, last, ...some].filter((seq) => seq <= last)) {
      faults.push(...(await cursorFaults(client, { chatId, forgotten, last }, after)))
      asked += 1
    }
  }
  const long = await client.makeChat()
  await deployment.within(fill(client, [long], LONG_MESSAGES, [30_000]))
  const last = await client.newest(long)
  faults.push(...(await stalledFaults(client, long, last, () => forgetUpTo(stored, long, last))))
  const meanwhile = await readWhileForgetting(deployment, stored, client, returns)
  faults.push(...meanwhile.faults)
  const figures = `${asked} cursors by 3 doors, a stalled reader, ${meanwhile.figures}`
  return { figures, faults }
}

/** Readers come back again and again, with cursors old and new, to a chat that is written to and forgets. */
async function readWhileForgetting(deployment: Deployment, stored: Database, client: Client, returns: number) {
  const chatId = await client.makeChat()
  const ledger = new Ledger()
  const writing = keepPosting(client, [chatId], ledger, { writers: 8, pauseMs: 2 })
  const newest = () => ledger.acknowledged.at(-1)?.seq ?? 0
  const forgetting = async () => {
    while (!ledger.closed) {
      await forgetUpTo(stored, chatId, newest() - KEPT)
      await Bun.sleep(FORGET_MS)
    }
  }
  const readers: LiveReader[] = []
  const reading = async () => {
    for (let time = 0; time < returns; time += 1) {
      const after = Math.floor(Math.random() * newest())
      const reader = new LiveReader({ client, chatId, after })
      readers.push(reader)
      await reader.watches()
      await reader.reaches(newest())
      if (time + 1 < returns) reader.end()
    }
  }
  const forgotten = forgetting()
  await ledger.grows(3 * KEPT)
  await deployment.beside([writing, forgotten], Promise.all(Array.from({ length: READERS }, reading)))
  ledger.close()
  await Promise.all([writing, forgotten])
  const told = await toldMessages(stored, chatId)
  const faults = readers.flatMap((reader) => {
    const base = reader.seen[0]?.seq ?? 0
    const end = reader.cursor ?? 0
    const expected = told.filter(({ seq }) => seq >= base && seq <= end && base > 0)
    const seen = reader.seen.filter(({ messageId }) => messageId !== undefined)
    const same = JSON.stringify(seen) === JSON.stringify(expected)
    return same ? reader.faults : [...reader.faults, 'a list is not the messages that are stored']
  })
  for (const reader of readers) reader.end()
  const snapshots = readers.reduce((sum, reader) => sum + reader.snapshots, 0)
  const figures = `${readers.length} returns while the log forgot, ${snapshots} snapshots, ${ledger.acknowledged.length} acknowledged`
  return { figures, faults }
}
