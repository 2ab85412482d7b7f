import { openDatabase } from '../../../src/db/open.ts'
import { type TestDatabase, temporaryDirectory } from '../../support/database.ts'
import { makeChat, read, signUp, write } from './clients.ts'
import { KilledServer } from './killed-server.ts'
import { Ledger } from './ledger.ts'
import { faultsOf } from './verify.ts'

const CHATS = 4
const WRITERS = 16

export type Outcome = { kind: string; kills: number; acknowledged: number; retried: number; faults: string[] }

/** R1: kills the server again and again under posting, and tells what was lost or doubled. */
export async function killUnderPosting(
  { kind, place }: TestDatabase,
  { kills, limitMs }: { kills: number; limitMs: number },
): Promise<Outcome> {
  const { target, remove } = await place()
  const server = new KilledServer({
    ...(target.kind === 'postgres' ? { DATABASE_URL: target.url } : {}),
    DATA_DIR: target.kind === 'postgres' ? temporaryDirectory() : target.directory,
    JWT_SECRET: crypto.randomUUID(),
    LOG_LEVEL: 'silent',
  })
  const ledger = new Ledger()
  const stopped = new AbortController()
  const stop = AbortSignal.any([stopped.signal, AbortSignal.timeout(limitMs)])
  try {
    const client = await signUp(server, stop)
    const chats = await Promise.all(Array.from({ length: CHATS }, () => makeChat(client)))
    const writing = Array.from({ length: WRITERS }, (_, number) =>
      write(client, chats[number % CHATS] ?? '', `Writer ${number}`, ledger),
    )
    const reading = chats.map((chatId) => read(client, chatId, ledger))
    const killing = async () => {
      while (server.kills < kills) {
        await ledger.reaches(ledger.acknowledged.length + 50 + Math.floor(Math.random() * 250))
        stop.throwIfAborted()
        await server.killAndRestart()
      }
      await ledger.reaches(ledger.acknowledged.length + 50)
    }
    const aborted = Promise.withResolvers<never>()
    aborted.promise.catch(() => {})
    stop.addEventListener('abort', () => aborted.reject(stop.reason))
    await Promise.race([killing(), aborted.promise, ...writing, ...reading])
    ledger.close()
    await Promise.race([Promise.all(writing), aborted.promise])
    ledger.finish()
    const seen = await Promise.race([Promise.all(reading), aborted.promise])
    await server.end()
    const faults: string[] = []
    const database = await openDatabase(target)
    try {
      for (const [index, chatId] of chats.entries()) {
        const told = ledger.acknowledged.filter((message) => message.chatId === chatId)
        faults.push(...(await faultsOf(database, chatId, told, seen[index] ?? [])))
      }
    } finally {
      await database.close()
    }
    return { kind, kills: server.kills, acknowledged: ledger.acknowledged.length, retried: ledger.retried, faults }
  } finally {
    stopped.abort()
    ledger.close()
    ledger.finish()
    await server.end()
    await remove()
  }
}
