import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { removeTemporaryDirectories, testDatabases } from '../support/database.ts'
import { killUnderReading } from './r8/run.ts'

setDefaultTimeout(120_000)
afterAll(removeTemporaryDirectories)

describe('a server that is killed while it reads files', () => {
  test.each(testDatabases().map((database) => [database.kind, database] as const))(
    'on %s reads each of them and tells of each once',
    async (_, database) => {
      const { faults } = await killUnderReading(database, { files: 8, kills: 2, poison: false, limitMs: 110_000 })
      expect(faults).toEqual([])
    },
  )
})
