import { killPostgresUnderPosting } from './r2/run.ts'
import { judge } from './rig/judge.ts'

const LIMIT_MS = 5000

/** R2 on a Postgres of its own. */
export function r2(): Promise<boolean> {
  return judge(
    'R2',
    'nothing acknowledged is lost, the process lives, no request hangs',
    async () => {
      const { figures, faults, postingAgainMs, longestMs } = await killPostgresUnderPosting({
        kills: 10,
        limitMs: 200_000,
      })
      if (postingAgainMs > LIMIT_MS) faults.push('posting did not go on in time')
      if (longestMs > LIMIT_MS) faults.push('a request hung')
      return { figures, faults }
    },
    'shared',
  )
}
