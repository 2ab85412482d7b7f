import { afterAll, test } from 'bun:test'
import { hasRedisServer, randomPrefix, testRedisUrl } from '../support/redis.ts'
import { type PrivateCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { busContract } from './bus.ts'
import { openRedisBus, openRedisSessions } from './redis-world.ts'
import { sessionStoreContract } from './sessions.ts'

if (testRedisUrl === undefined || !hasRedisServer) {
  test.skip('Redis Cluster (set TEST_REDIS_URL and install redis-server to run it)', () => {})
} else {
  let starting: Promise<PrivateCluster> | undefined
  const url = async () => {
    starting ??= startRedisCluster()
    return (await starting).url
  }
  afterAll(async () => (await starting)?.stop())
  const prefix = randomPrefix()
  busContract('Redis Cluster', async () => openRedisBus(await url(), prefix))
  sessionStoreContract('Redis Cluster', async (limits) => openRedisSessions(await url(), prefix, limits))
}
