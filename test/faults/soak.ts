import { judge } from './rig/judge.ts'
import { killAtRandom } from './soak/run.ts'

/** Two instances, 200 sockets, random kills; on Postgres. */
export function soak(): Promise<boolean> {
  return judge(
    'Soak',
    "each client's list equals the log",
    (database) => killAtRandom(database, { sockets: 200, rounds: 30, limitMs: 240_000 }),
    'shared',
  )
}
