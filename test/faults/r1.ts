import { killUnderPosting } from './r1/run.ts'
import { judge } from './rig/judge.ts'

/** R1 on the embedded database and on Postgres. */
export function r1(): Promise<boolean> {
  return judge('R1', 'none lost, none doubled', (database) =>
    killUnderPosting(database, { kills: 20, limitMs: 240_000 }),
  )
}
