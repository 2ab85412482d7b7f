import { loseRedisUnderPosting } from './r3/run.ts'
import { judge } from './rig/judge.ts'

const LIVE_AGAIN_MS = 3000
const EMPTIED = Array.from({ length: 10 }, () => 'emptied' as const)
const ALL = ['kept', 'flushed', 'emptied', 'kept', 'flushed', 'emptied'] as const

/** R3: on the embedded database with one instance, on Postgres with two. */
export function r3(): Promise<boolean> {
  return judge('R3', 'no durable message lost, every gap filled from the log', async (database) => {
    const emptied = await loseRedisUnderPosting(database, { losses: EMPTIED, limitMs: 180_000 })
    const all = await loseRedisUnderPosting(database, { losses: ALL, killAfter: 3, limitMs: 180_000 })
    const faults = [...emptied.faults, ...all.faults]
    if (Math.max(emptied.liveAgainMs, all.liveAgainMs) > LIVE_AGAIN_MS) faults.push('it was not live again in time')
    return { figures: `${emptied.figures}; ${all.figures}`, faults }
  })
}
