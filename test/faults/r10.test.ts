import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { testDatabases } from '../support/database.ts'
import { actAtRandom } from './r10/run.ts'
import { canShareRedis } from './rig/redis.ts'

setDefaultTimeout(90_000)

describe('watchers of a chat to which anything happens', () => {
  const databases = testDatabases().filter(({ kind }) => kind === 'embedded' || canShareRedis)
  test.each(databases.map((database) => [database.kind, database] as const))(
    'on %s know what a fresh read tells, from whenever they joined',
    async (_, database) => {
      const { faults } = await actAtRandom(database, { chats: 2, actions: 150, limitMs: 80_000 })
      expect(faults).toEqual([])
    },
  )
})
