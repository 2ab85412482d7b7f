import type { TestDatabase } from '../../support/database.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { LiveReader } from '../rig/live-reader.ts'
import { logOf } from '../rig/stored.ts'
import { BareReader } from './bare-reader.ts'
import { fill } from './busy.ts'
import { floodFaults, orderFaults } from './hostile.ts'
import { peakMemory } from './memory.ts'

const READERS = 10
const FRAMES = 1000
const MEBIBYTE = 1_048_576

export type Slowness = {
  /** Readers that stop, and chats that one more of them watches all at once, each of which is told little. */
  paused: number
  chats: number
  messages: number
  /** What is held and how fast the others are told is compared with readers that do read: that takes three times as long. */
  compared: boolean
  limitMs: number
}

/** R6: readers that stop reading, sockets that flood, and those beside them. `heldBytes`: by one of the paused readers. */
export function stopReading(
  database: TestDatabase,
  slowness: Slowness,
): Promise<Outcome & { heldBytes: number | undefined }> {
  const { limitMs, chats } = slowness
  return Deployment.with({ database, limitMs }, async (deployment) => {
    const client = await Client.signUp(deployment)
    const chatId = await client.makeChat()
    const many = await Promise.all(Array.from({ length: chats }, () => client.makeChat()))
    const readers = Array.from({ length: READERS }, () => new LiveReader({ client, chatId, after: 0 }))
    await deployment.within(Promise.all(readers.map((reader) => reader.watches())))

    const paused = await pauseReaders(client, chatId, slowness)
    const { faults, heldBytes } = paused
    const wide = await BareReader.open(client, many)
    wide.pause()
    await deployment.within(fill(client, many, slowness.messages))
    faults.push(...(await deployment.within(wide.faults())))
    faults.push(...(await floodFaults(client, chatId)))
    faults.push(...(await orderFaults(client, await client.makeChat(), FRAMES)))

    const newest = await client.newest(chatId)
    await deployment.within(Promise.all(readers.map((reader) => reader.reaches(newest))))
    for (const reader of readers) reader.end()
    const log = await deployment.stored((stored) => logOf(stored, chatId))
    faults.push(...readers.flatMap((reader) => reader.faultsBy(log)))
    const figures = [
      `${database.kind}: ${slowness.paused} paused readers and one of ${chats} chats closed with 4408`,
      paused.figures,
      `a flooding socket closed with 4429, 2 x ${FRAMES} frames in order`,
    ]
    return { figures: figures.join(', '), faults, heldBytes }
  })
}

async function pauseReaders(client: Client, chatId: string, { paused, messages, compared }: Slowness) {
  const { deployment } = client
  const pid = deployment.instances[0]?.pid ?? 0
  const watch = () => Promise.all(Array.from({ length: paused }, () => BareReader.open(client, [chatId])))
  const post = async () => {
    const filling = deployment.within(fill(client, [chatId], messages))
    return { memory: await peakMemory(pid, filling), took: await filling }
  }
  const read = async () => {
    const reading = await watch()
    const posted = await post()
    for (const reader of reading) reader.leave()
    return posted
  }
  // The first fills what the process keeps anyway.
  const before = compared ? await read().then(read) : undefined
  const slow = await watch()
  for (const reader of slow) reader.pause()
  const beside = await post()
  const faults = (await deployment.within(Promise.all(slow.map((reader) => reader.faults())))).flat()
  const heldBytes = before && Math.max(0, beside.memory - before.memory) / paused
  const rate = (took: number) => Math.round((messages * READERS * 1000) / took)
  const figures = [
    `each held ${heldBytes === undefined ? '?' : (heldBytes / MEBIBYTE).toFixed(2)} MiB more than one that reads`,
    `${READERS} others told ${before === undefined ? '?' : rate(before.took)} events/s before, ${rate(beside.took)} beside`,
  ]
  return { figures: figures.join(', '), faults, heldBytes }
}
