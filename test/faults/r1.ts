import { testDatabases } from '../support/database.ts'
import { canStartPostgres, type PrivatePostgres, startPostgres } from '../support/postgres.ts'
import { killUnderPosting } from './r1/run.ts'

const KILLS = 20
const LIMIT_MS = 240_000

/** `bun test/faults/r1.ts`: R1 on the embedded database and on Postgres, one of its own where TEST_DATABASE_URL names none. */
export async function r1(): Promise<boolean> {
  let own: PrivatePostgres | undefined
  if (process.env['TEST_DATABASE_URL'] === undefined && canStartPostgres) {
    own = await startPostgres()
    process.env['TEST_DATABASE_URL'] = own.url
  }
  try {
    const begun = performance.now()
    const told: string[] = []
    const faults: string[] = []
    for (const database of testDatabases()) {
      const outcome = await killUnderPosting(database, { kills: KILLS, limitMs: LIMIT_MS })
      const { kind, kills, acknowledged, retried } = outcome
      told.push(`${kind}: ${kills} kills, ${acknowledged} acknowledged, ${retried} posted again`)
      faults.push(...outcome.faults)
    }
    for (const fault of faults.slice(0, 20)) console.error(fault)
    const verdict = faults.length === 0 ? 'pass: none lost, none doubled' : `FAIL: ${faults.length} faults`
    console.log(`R1 ${verdict} (${told.join('; ')}; ${((performance.now() - begun) / 1000).toFixed(0)} s)`)
    return faults.length === 0
  } finally {
    await own?.remove()
  }
}

if (import.meta.main) process.exit((await r1()) ? 0 : 1)
