import { killUnderReading } from './r8/run.ts'
import { judge } from './rig/judge.ts'

/** R8: on the embedded database, and on Postgres. */
export function r8(): Promise<boolean> {
  return judge('R8', 'each file read and told of once, the poison one failed after 5 tries with a reason', (database) =>
    killUnderReading(database, { files: 80, kills: 20, poison: true, limitMs: 600_000 }),
  )
}
