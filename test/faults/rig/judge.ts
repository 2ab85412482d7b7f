import { type TestDatabase, testDatabases } from '../../support/database.ts'
import { canStartPostgres, type PrivatePostgres, startPostgres } from '../../support/postgres.ts'

/** What a run of a script found. */
export type Outcome = {
  /** What it counted, to be read by people. */
  figures: string
  /** What was wrong, a line each. */
  faults: string[]
}

/**
 * Runs a target on each kind of database that there is (Postgres: one of its own where TEST_DATABASE_URL names none), and
 * prints its verdict in one line. `promise`: what holds where there was no fault. `shared`: only on those that several
 * instances can share. Resolves to whether there was no fault.
 */
export async function judge(
  target: string,
  promise: string,
  run: (database: TestDatabase) => Promise<Outcome>,
  on: 'every' | 'shared' = 'every',
): Promise<boolean> {
  let own: PrivatePostgres | undefined
  if (process.env['TEST_DATABASE_URL'] === undefined && canStartPostgres) {
    own = await startPostgres()
    process.env['TEST_DATABASE_URL'] = own.url
  }
  try {
    const begun = performance.now()
    const outcomes: Outcome[] = []
    for (const database of on === 'shared' ? sharedDatabases() : testDatabases()) {
      outcomes.push(
        await run(database).catch((fault: unknown) => ({ figures: database.kind, faults: [String(fault)] })),
      )
    }
    const faults = outcomes.flatMap((outcome) => outcome.faults)
    for (const fault of faults.slice(0, 20)) console.error(fault)
    const verdict = faults.length === 0 ? `pass: ${promise}` : `FAIL: ${faults.length} faults`
    const took = ((performance.now() - begun) / 1000).toFixed(0)
    console.log(`${target} ${verdict} (${outcomes.map(({ figures }) => figures).join('; ')}; ${took} s)`)
    return outcomes.length > 0 && faults.length === 0
  } finally {
    if (own !== undefined) {
      // The next target has one of its own.
      delete process.env['TEST_DATABASE_URL']
      await own.remove()
    }
  }
}

/** The databases that several instances can share. */
export function sharedDatabases(): TestDatabase[] {
  return testDatabases().filter(({ kind }) => kind === 'postgres')
}
