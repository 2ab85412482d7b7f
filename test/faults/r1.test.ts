import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { testDatabases } from '../support/database.ts'
import { killUnderPosting } from './r1/run.ts'

setDefaultTimeout(90_000)

describe('a server that is killed under posting', () => {
  test.each(testDatabases().map((database) => [database.kind, database] as const))(
    'on %s loses and doubles nothing that it acknowledged, and its readers resume',
    async (_, database) => {
      const { figures, faults } = await killUnderPosting(database, { kills: 3, limitMs: 80_000 })
      expect(faults).toEqual([])
      expect(figures).toContain('3 kills')
    },
  )
})
