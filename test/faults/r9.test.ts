import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { testDatabases } from '../support/database.ts'
import { stopUnderLoad } from './r9/run.ts'
import { canShareRedis } from './rig/redis.ts'

setDefaultTimeout(90_000)

describe('a server that is told to stop under load', () => {
  const databases = testDatabases().filter(({ kind }) => kind === 'embedded' || canShareRedis)
  test.each(databases.map((database) => [database.kind, database] as const))(
    'on %s tells its sockets to come back, ends its streams and finishes what it began',
    async (_, database) => {
      const { faults } = await stopUnderLoad(database, { sockets: 50, proxied: true, limitMs: 80_000 })
      expect(faults).toEqual([])
    },
  )
})
