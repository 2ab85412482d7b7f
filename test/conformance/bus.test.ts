import { test } from 'bun:test'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { randomPrefix, testRedisUrl } from '../support/redis.ts'
import { busContract } from './bus.ts'
import { openRedisBus } from './redis-world.ts'

busContract('memory', async () => {
  const bus = new MemoryBus()
  return { bus, peer: bus, close() {} }
})

if (testRedisUrl === undefined) {
  test.skip('the bus: Redis (set TEST_REDIS_URL to run it)', () => {})
} else {
  const url = testRedisUrl
  const prefix = randomPrefix()
  busContract('Redis', () => openRedisBus(url, prefix))
}
