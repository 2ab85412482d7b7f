import type { PgBoss } from 'pg-boss'
import type { JobData, JobHandler, JobQueue, Jobs } from '../domain/ports.ts'

/** Where the queues are: a server by its address, with connections of their own, or whatever runs SQL. */
export type JobsPlace =
  | { kind: 'postgres'; url: string }
  | { kind: 'embedded'; executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> }

/** Of one process to the server, beside those of its own queries. */
const CONNECTIONS = 2
/** So many files are read at once in one process. */
const CONCURRENCY = 2
const POLL_SECONDS = 2
const START_AGAIN_MS = 5000
const STOP_MS = 4000

/** Jobs that nobody will try again are kept here, and under their own queue with what they failed with. */
const DEAD = 'dead'
const DAY = 86_400

const HOURLY = { policy: 'exclusive', retryLimit: 3, expireInSeconds: 1800, retryDelayMax: 300 } as const

const QUEUES = {
  // Many more tries than a file gets: a try that its process did not outlive says nothing of the file.
  file: { policy: 'exclusive', retryLimit: 100, expireInSeconds: 120, heartbeatSeconds: 10, retryDelayMax: 60 },
  sweep: { policy: 'exclusive', retryLimit: 0, expireInSeconds: 300 },
  keep: HOURLY,
  logins: HOURLY,
  chats: HOURLY,
} as const satisfies Record<JobQueue, object>

/** When the others are sent by themselves, as cron has it, in UTC. */
const SCHEDULES: Partial<Record<JobQueue, string>> = {
  sweep: '* * * * *',
  keep: '23 * * * *',
  logins: '33 * * * *',
  chats: '43 * * * *',
}

export type JobsReport = {
  queues: { name: string; waiting: number; active: number; failed: number }[]
  failures: { id: string; queue: string; data: JobData; reason: string; at: string }[]
  schedules: { queue: string; cron: string }[]
}

/** Jobs by pg-boss, which is loaded with the first use: the start of a server does not wait for it. */
export class BossJobs implements Jobs {
  readonly #place: JobsPlace
  readonly #tell: (fault: unknown) => void
  #opening: Promise<PgBoss> | undefined
  #stopped = false

  /** `tell` hears of faults that nobody waits for. */
  constructor(place: JobsPlace, tell: (fault: unknown) => void) {
    this.#place = place
    this.#tell = tell
  }

  async send(queue: JobQueue, data: JobData, key: string): Promise<void> {
    await (await this.#open()).send(queue, data, { singletonKey: key })
  }

  /** Works on all queues until `stop`; where the database is away it begins once that is back. */
  async work(handlers: Record<JobQueue, JobHandler>): Promise<void> {
    const worked = new Set<string>()
    while (!this.#stopped) {
      try {
        const boss = await this.#open()
        for (const [queue, cron] of Object.entries(SCHEDULES)) await boss.schedule(queue, cron)
        for (const [queue, handler] of Object.entries(handlers)) {
          // Not twice, where another of them failed: it would be worked on by twice as many.
          if (!worked.has(queue)) await this.#workOn(boss, queue, handler)
          worked.add(queue)
        }
        return
      } catch (fault) {
        if (this.#stopped) return
        this.#tell(fault)
        await Bun.sleep(START_AGAIN_MS)
      }
    }
  }

  async #workOn(boss: PgBoss, queue: string, handler: JobHandler): Promise<void> {
    const options = {
      perJobResults: true,
      localConcurrency: CONCURRENCY,
      pollingIntervalSeconds: POLL_SECONDS,
    } as const
    await boss.work<JobData>(queue, options, (jobs) =>
      Promise.all(
        jobs.map(async ({ id, data, signal }) => {
          const ended = await handler(data ?? {}, signal)
          return ended === undefined
            ? ({ id, status: 'completed' } as const)
            : ({ id, status: 'deadletter', output: { reason: ended.dead } } as const)
        }),
      ),
    )
  }

  /** What there is to see of them. */
  async report(): Promise<JobsReport> {
    const boss = await this.#open()
    const names = Object.keys(QUEUES)
    const [queues, schedules, failures] = await Promise.all([
      this.#counts(boss),
      boss.getSchedules(),
      this.#failures(boss),
    ])
    return {
      queues: names.map((name) => ({ name, waiting: 0, active: 0, failed: 0, ...queues.get(name) })),
      failures,
      schedules: schedules.map(({ name, cron }) => ({ queue: name, cron })),
    }
  }

  async #counts(boss: PgBoss) {
    const { rows } = await boss.getDb().executeSql(`
      SELECT name, count(*) FILTER (WHERE state IN ('created', 'retry')) AS waiting,
        count(*) FILTER (WHERE state = 'active') AS active, count(*) FILTER (WHERE state = 'failed') AS failed
      FROM pgboss.job GROUP BY name`)
    return new Map(
      rows.map((row): [string, { waiting: number; active: number; failed: number }] => [
        String(row.name),
        { waiting: Number(row.waiting), active: Number(row.active), failed: Number(row.failed) },
      ]),
    )
  }

  async #failures(boss: PgBoss): Promise<JobsReport['failures']> {
    const { rows } = await boss.getDb().executeSql(`
      SELECT id, name, data, coalesce(output ->> 'reason', output ->> 'message', '') AS reason, completed_on
      FROM pgboss.job WHERE state = 'failed' AND name <> '${DEAD}' ORDER BY completed_on DESC LIMIT 100`)
    return rows.map(({ id, name, data, reason, completed_on }) => ({
      id: String(id),
      queue: String(name),
      data: typeof data === 'string' ? JSON.parse(data) : data,
      reason: String(reason),
      at: new Date(completed_on).toISOString(),
    }))
  }

  /** A job that failed is done again. */
  async retry(queue: string, id: string): Promise<void> {
    await (await this.#open()).retry(queue, id)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const boss = await this.#opening?.catch(() => undefined)
    await boss?.stop({ graceful: true, timeout: STOP_MS })
  }

  /** Once; again only where it failed. */
  #open(): Promise<PgBoss> {
    this.#opening ??= this.#start().catch((fault: unknown) => {
      this.#opening = undefined
      throw fault
    })
    return this.#opening
  }

  async #start(): Promise<PgBoss> {
    const { PgBoss } = await import('pg-boss')
    const place =
      this.#place.kind === 'postgres'
        ? {
            connectionString: this.#place.url,
            max: CONNECTIONS,
            application_name: 'parley jobs',
            connectionTimeoutMillis: 5000,
          }
        : { db: { executeSql: this.#place.executeSql } }
    const boss = new PgBoss({
      ...place,
      superviseIntervalSeconds: 5,
      monitorIntervalSeconds: 5,
      maintenanceIntervalSeconds: 3600,
    })
    boss.on('error', this.#tell)
    await boss.start()
    await boss.createQueue(DEAD, { retentionSeconds: 30 * DAY })
    for (const [name, options] of Object.entries(QUEUES)) {
      await boss.createQueue(name, {
        retryDelay: 2,
        retryBackoff: true,
        deadLetter: DEAD,
        deleteAfterSeconds: 14 * DAY,
        ...options,
      })
    }
    return boss
  }
}
