import { test } from 'bun:test'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { MemorySessionStore } from '../../src/adapters/memory/sessions.ts'
import { randomPrefix, testRedisUrl } from '../support/redis.ts'
import { openRedisSessions } from './redis-world.ts'
import { sessionStoreContract } from './sessions.ts'

sessionStoreContract('memory', async (limits) => {
  const bus = new MemoryBus()
  let now = Date.now()
  const store = new MemorySessionStore(bus, limits, { now: () => now })
  const tick = () => {
    now += 100
  }
  return { store, peer: store, bus, tick, close() {} }
})

if (testRedisUrl === undefined) {
  test.skip('the session store: Redis (set TEST_REDIS_URL to run it)', () => {})
} else {
  const url = testRedisUrl
  const prefix = randomPrefix()
  sessionStoreContract('Redis', (limits) => openRedisSessions(url, prefix, limits))
}
