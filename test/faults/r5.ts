import { readBeyondRetention } from './r5/run.ts'
import { judge } from './rig/judge.ts'

/** R5 on Postgres: the script makes the log forget, beside the server. */
export function r5(): Promise<boolean> {
  return judge(
    'R5',
    'a reader beyond retention begins with a snapshot, every other misses nothing',
    (database) => readBeyondRetention(database, { chats: 5, cursors: 30, returns: 20, limitMs: 200_000 }),
    'shared',
  )
}
