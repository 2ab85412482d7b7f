import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { canStartPostgres } from '../support/postgres.ts'
import { killPostgresUnderPosting } from './r2/run.ts'

setDefaultTimeout(90_000)

describe.skipIf(!canStartPostgres)('a server whose Postgres is killed under posting', () => {
  test('loses nothing that it acknowledged, and goes on by itself', async () => {
    const { faults } = await killPostgresUnderPosting({ kills: 2, limitMs: 80_000 })
    expect(faults).toEqual([])
  })
})
