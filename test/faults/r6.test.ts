import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { testDatabases } from '../support/database.ts'
import { stopReading } from './r6/run.ts'

setDefaultTimeout(90_000)

describe('readers that stop reading, and sockets that flood', () => {
  test.each(testDatabases().map((database) => [database.kind, database] as const))(
    'on %s are closed and told why, and those beside them miss nothing',
    async (_, database) => {
      const slowness = { paused: 3, chats: 40, messages: 450, compared: false, limitMs: 80_000 }
      const { faults } = await stopReading(database, slowness)
      expect(faults).toEqual([])
    },
  )
})
