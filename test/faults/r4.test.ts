import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { hasRedisServer } from '../support/redis.ts'
import { reconnectUnderPosting } from './r4/run.ts'
import { sharedDatabases } from './rig/judge.ts'
import { canShareRedis } from './rig/redis.ts'
import { killAtRandom } from './soak/run.ts'

setDefaultTimeout(90_000)

const [database] = sharedDatabases()

describe.skipIf(database === undefined || !canShareRedis)('clients of two instances', () => {
  test('that reconnect again and again under posting have the list that the log has', async () => {
    if (database === undefined) return
    const { faults } = await reconnectUnderPosting(database, { clients: 20, reconnects: 10, limitMs: 80_000 })
    expect(faults).toEqual([])
  })

  test.skipIf(!hasRedisServer)('that are killed, and their Redis with them, have it too', async () => {
    if (database === undefined) return
    const { faults } = await killAtRandom(database, { sockets: 40, rounds: 4, limitMs: 80_000 })
    expect(faults).toEqual([])
  })
})
