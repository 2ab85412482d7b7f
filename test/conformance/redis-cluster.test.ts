import { afterAll, test } from 'bun:test'
import { hasRedisServer, type PrivateRedis, randomPrefix, startRedis, testRedisUrl } from '../support/redis.ts'
import { busContract } from './bus.ts'
import { openRedisBus, openRedisSessions } from './redis-world.ts'
import { sessionStoreContract } from './sessions.ts'

if (testRedisUrl === undefined || !hasRedisServer) {
  test.skip('Redis Cluster (set TEST_REDIS_URL and install redis-server to run it)', () => {})
} else {
  // One node that owns all slots refuses a script that touches two of them, as any cluster does.
  let starting: Promise<PrivateRedis> | undefined
  const url = async () => {
    starting ??= startRedis('cluster')
    return (await starting).url
  }
  afterAll(async () => (await starting)?.stop())
  const prefix = randomPrefix()
  busContract('Redis Cluster', async () => openRedisBus(await url(), prefix))
  sessionStoreContract('Redis Cluster', async (limits) => openRedisSessions(await url(), prefix, limits))
}
