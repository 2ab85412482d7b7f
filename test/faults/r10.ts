import { actAtRandom } from './r10/run.ts'
import { judge } from './rig/judge.ts'

/** R10 on the embedded database with one instance, on Postgres with two. */
export function r10(): Promise<boolean> {
  return judge('R10', 'state rebuilt from events equals a fresh read', (database) =>
    actAtRandom(database, { chats: 10, actions: 400, limitMs: 240_000 }),
  )
}
