import { hasRedisServer, startRedis, testRedisUrl } from '../../support/redis.ts'

/** Whether instances can share a Redis here. */
export const canShareRedis = hasRedisServer || testRedisUrl !== undefined

/** Lets `use` have a Redis that instances share: one of its own, or else the one to test with. */
export async function withRedis<T>(use: (url: string) => Promise<T>): Promise<T> {
  if (!hasRedisServer && testRedisUrl !== undefined) return use(testRedisUrl)
  const redis = await startRedis()
  try {
    return await use(redis.url)
  } finally {
    await redis.stop()
  }
}
