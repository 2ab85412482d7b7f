import { BossJobs, type JobsReport } from './adapters/jobs.ts'
import { jobsPlaceOf } from './background.ts'
import type { Config } from './config.ts'
import { migrate } from './db/migrate.ts'
import { type Database, openDatabase } from './db/open.ts'
import { ProcessingStore } from './domain/files/processing-store.ts'

const USAGE = 'Usage: bun run jobs, or bun run jobs retry ID'

/** `bun run jobs`: what there is of the work in the background. Resolves to what to print; throws an `Error` to print. */
export async function inspectJobs(config: Config, args: readonly string[]): Promise<string> {
  const [command = 'list', id, ...more] = args
  const known = (command === 'list' && id === undefined) || (command === 'retry' && id !== undefined)
  if (!known || more.length > 0) throw new Error(USAGE)
  const database = await openDatabase(config.database)
  const jobs = new BossJobs(jobsPlaceOf(config, database), () => {})
  try {
    await migrate(database)
    return id === undefined ? printed(await jobs.report()) : await retry(jobs, database, id)
  } finally {
    await jobs.stop()
    await database.close()
  }
}

async function retry(jobs: BossJobs, database: Database, id: string): Promise<string> {
  const failure = (await jobs.report()).failures.find((failed) => failed.id === id)
  if (failure === undefined) throw new Error(`No job ${id} has failed: bun run jobs lists those that have.`)
  const { file_id } = failure.data
  if (file_id !== undefined) await new ProcessingStore(database).reset(file_id)
  await jobs.retry(failure.queue, id)
  return `${id} is done again.`
}

function printed({ queues, failures, schedules }: JobsReport): string {
  const cronOf = (name: string) => schedules.find(({ queue }) => queue === name)?.cron ?? ''
  const rows = queues.map(({ name, waiting, active, failed }) => [name, waiting, active, failed, cronOf(name)])
  return [
    ...table([['queue', 'waiting', 'active', 'failed', 'schedule (UTC)'], ...rows]),
    '',
    failures.length === 0 ? 'No job has failed.' : 'Failed (bun run jobs retry ID does one again):',
    ...failures.map(({ id, queue, data, reason, at }) => `  ${id}  ${at}  ${queue} ${JSON.stringify(data)}: ${reason}`),
  ].join('\n')
}

function table(rows: (string | number)[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)))
  return rows.map((row) =>
    row
      .map((cell, column) => String(cell).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
