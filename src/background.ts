import type { Logger } from 'pino'
import { DiskBlobStore } from './adapters/blobs/disk.ts'
import { S3BlobStore } from './adapters/blobs/s3.ts'
import { typeByContent } from './adapters/file-type.ts'
import { BossJobs, type JobsPlace } from './adapters/jobs.ts'
import { MemoryBus } from './adapters/memory/bus.ts'
import { RedisBus } from './adapters/redis/bus.ts'
import { connectRedis } from './adapters/redis/client.ts'
import type { Config } from './config.ts'
import { migrate } from './db/migrate.ts'
import { type Database, openDatabase } from './db/open.ts'
import { ChatLog } from './domain/chats/log.ts'
import { LogStore } from './domain/chats/log-store.ts'
import type { BlobStore, JobHandler, JobQueue, Jobs } from './domain/ports.ts'
import { Retention } from './domain/retention.ts'
import { RetentionStore } from './domain/retention-store.ts'
import { type FileServices, openFiles } from './file-services.ts'
import type { Log } from './log.ts'
import { EXIT_MS, stopInTurn } from './stopping.ts'

/** A file's job is done or tried again within this; one that is not was lost. */
const LOST_SECONDS = 300
const LOST_MAX = 1000
/** Jobs get this long to end what they can end, then the stores to close. */
const JOBS_MS = 6000
const CLOSE_MS = 2000

/** Where the jobs are: in the database that is open. */
export function jobsPlaceOf({ database: target }: Config, database: Database): JobsPlace {
  if (target.kind === 'postgres') return { kind: 'postgres', url: target.url }
  return {
    kind: 'embedded',
    async executeSql(text, values = []) {
      const given = values.map(asText) as Parameters<typeof database.sql.unsafe>[1]
      const answer = await database.sql.unsafe(text, given)
      // Several statements at once are answered one by one.
      return {
        rows: answer.columns === undefined ? answer.flat() : answer.map((row) => withDates(row, answer.columns)),
      }
    },
  }
}

const TIMESTAMPTZ = 1184

/** Our driver takes dates and JSON as text, and nothing that is undefined. */
function asText(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : (value ?? null)
}

/** And it gives dates as text. */
function withDates(row: Row, columns: readonly { name: string; type: number }[]): Row {
  const made = { ...row }
  for (const { name, type } of columns) {
    const value: unknown = made[name]
    if (type === TIMESTAMPTZ && typeof value === 'string') made[name] = new Date(value)
  }
  return made
}

type Row = Record<string, unknown>

/** Files, and what is done with them and with the rest in the background. `begin` does not fail: it tries again. */
export function openBackground(
  config: Config,
  { database, log, secret, logger }: { database: Database; log: ChatLog; secret: string; logger: Logger },
): { files: FileServices; begin(): void; stop(): Promise<void> } {
  const tell = (err: unknown) => logger.error({ err }, 'work in the background failed')
  const jobs = new BossJobs(jobsPlaceOf(config, database), tell)
  const secrets = [secret, ...config.jwt.previous]
  const files = openFiles(config, { database, log, blobs: blobsOf(config), jobs, typer: typeByContent, secrets })
  const retention = new Retention(new RetentionStore(database))
  return {
    files,
    begin: () => void jobs.work(handlersOf(config, { log, jobs, files, retention })).catch(tell),
    stop: () => jobs.stop(),
  }
}

/** `bun run worker`: the work in the background, apart from any server. Resolves when it has begun; ends on SIGTERM. */
export async function runBackground(config: Config, { logger, written }: Log): Promise<void> {
  if (config.database.kind === 'embedded') {
    throw new Error('A worker apart from the server wants DATABASE_URL: the embedded database is for one process.')
  }
  const database = await openDatabase(config.database)
  await migrate(database)
  const redis = config.redis === undefined ? undefined : await connectRedis(config.redis.url, config.redis)
  // Without Redis there is one server alone, which finds in the log what it was not woken up for.
  const log = new ChatLog(new LogStore(database), redis === undefined ? new MemoryBus() : new RedisBus(redis))
  // It hands out no link.
  const background = openBackground(config, { database, log, secret: crypto.randomUUID(), logger })
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), EXIT_MS).unref()
    await stopInTurn(
      [
        { name: 'jobs', ms: JOBS_MS, run: () => background.stop() },
        { name: 'Redis', ms: CLOSE_MS, run: () => redis?.close() },
        { name: 'database', ms: CLOSE_MS, run: () => database.close() },
      ],
      (err, step) => logger.warn({ err, step }, 'a step of stopping was left'),
    )
    logger.info('stopped')
    await written()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop())
  background.begin()
  logger.info({ database: database.description }, 'working in the background')
}

function blobsOf({ uploads }: Config): BlobStore {
  return uploads.bucket === undefined
    ? new DiskBlobStore(uploads.directory)
    : new S3BlobStore(uploads.bucket, uploads.directory)
}

/**
 * What is done in the background, by queue. Answers whose producer is gone are none of it: every server looks for those
 * every few seconds (`AnswerDispatch`), since who waits for one waits for seconds, and where no server runs nobody does.
 */
function handlersOf(
  { eventRetentionDays, deletedChatDays }: Config,
  { log, jobs, files, retention }: { log: ChatLog; jobs: Jobs; files: FileServices; retention: Retention },
): Record<JobQueue, JobHandler> {
  return {
    file: ({ file_id = '' }, signal) => files.processor.process(file_id, signal),
    async sweep() {
      for (const id of await files.processing.waiting(LOST_SECONDS, LOST_MAX))
        await jobs.send('file', { file_id: id }, id)
      await files.removal.run()
      return undefined
    },
    async keep() {
      await log.retain(eventRetentionDays)
      return undefined
    },
    async logins(_, signal) {
      await retention.logins(signal)
      return undefined
    },
    async chats(_, signal) {
      await retention.chats(deletedChatDays, signal)
      return undefined
    },
  }
}
