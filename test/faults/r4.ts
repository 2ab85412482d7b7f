import { reconnectUnderPosting } from './r4/run.ts'
import { judge } from './rig/judge.ts'

/** R4 on Postgres and Redis. */
export function r4(): Promise<boolean> {
  return judge(
    'R4',
    "each client's list equals the log",
    (database) => reconnectUnderPosting(database, { clients: 100, reconnects: 50, limitMs: 280_000 }),
    'shared',
  )
}
