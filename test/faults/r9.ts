import { stopUnderLoad } from './r9/run.ts'
import { judge } from './rig/judge.ts'

const EXIT_MS = 10_000

/** R9 on the embedded stores, and on Postgres and Redis. */
export function r9(): Promise<boolean> {
  return judge('R9', 'not ready, sockets told to come back, what was begun is finished', async (database) => {
    const alone = await stopUnderLoad(database, { sockets: 500, proxied: false, limitMs: 60_000 })
    const proxied = await stopUnderLoad(database, { sockets: 500, proxied: true, limitMs: 60_000 })
    const faults = [...alone.faults, ...proxied.faults]
    if (Math.max(alone.tookMs, proxied.tookMs) > EXIT_MS) faults.push('it did not end in time')
    return { figures: `${alone.figures}; ${proxied.figures}`, faults }
  })
}
