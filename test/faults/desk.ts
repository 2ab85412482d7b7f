import { handleAtRandom } from './desk/run.ts'
import { judge } from './rig/judge.ts'

/** The support desk: embedded, and two instances on Postgres and Redis. */
export function desk(): Promise<boolean> {
  return judge('desk', 'one agent for each session, nothing lost, no note told to a customer', (database) =>
    handleAtRandom(database, { customers: 20, agents: 5, rounds: 12, limitMs: 280_000 }),
  )
}
