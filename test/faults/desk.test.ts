import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { testDatabases } from '../support/database.ts'
import { handleAtRandom } from './desk/run.ts'
import { canShareRedis } from './rig/redis.ts'

setDefaultTimeout(90_000)

describe('a support desk with 20 customers and 5 agents at random', () => {
  const databases = testDatabases().filter(({ kind }) => kind === 'embedded' || canShareRedis)
  test.each(databases.map((database) => [database.kind, database] as const))(
    'on %s has one agent for each session, loses nothing, and tells no customer of a note',
    async (_, database) => {
      const { faults } = await handleAtRandom(database, { customers: 20, agents: 5, rounds: 2, limitMs: 80_000 })
      expect(faults).toEqual([])
    },
  )
})
