import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { testDatabases } from '../support/database.ts'
import { hasRedisServer } from '../support/redis.ts'
import { loseRedisUnderPosting } from './r3/run.ts'

setDefaultTimeout(90_000)

describe.skipIf(!hasRedisServer)('servers that lose their Redis under posting', () => {
  test.each(testDatabases().map((database) => [database.kind, database] as const))(
    'on %s lose no message, keep their watchers and tell them everything, and their sessions answer 503',
    async (_, database) => {
      const { faults } = await loseRedisUnderPosting(database, { losses: ['emptied', 'kept'], limitMs: 80_000 })
      expect(faults).toEqual([])
    },
  )
})
