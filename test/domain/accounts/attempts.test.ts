import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { CountedAttempts } from '../../../src/adapters/attempts.ts'
import { connectRedis } from '../../../src/adapters/redis/client.ts'
import type { Redis } from '../../../src/adapters/redis/redis.ts'
import { hasRedisServer, type PrivateRedis, startRedis } from '../../support/redis.ts'
import { until } from '../../support/wait.ts'
import { reasonOf } from './world.ts'

const limits = { address: 3, register: 1, password: 2 }

/** What becomes of so many attempts, one after the other. */
async function outcomes(count: number, attempt: (index: number) => Promise<void>): Promise<string[]> {
  const seen: string[] = []
  for (let index = 0; index < count; index += 1) seen.push(await reasonOf(attempt(index)))
  return seen
}

test('attempts in one process are counted for each kind and key, until they are forgotten', async () => {
  const attempts = new CountedAttempts(limits)
  expect(await outcomes(4, () => attempts.count('address', 'a'))).toEqual(['done', 'done', 'done', 'too_many_requests'])
  expect(await outcomes(3, () => attempts.count('password', 'a'))).toEqual(['done', 'done', 'too_many_requests'])
  expect(await outcomes(1, () => attempts.count('address', 'b'))).toEqual(['done'])
  await attempts.forget('password', 'a')
  expect(await outcomes(3, () => attempts.count('password', 'a'))).toEqual(['done', 'done', 'too_many_requests'])
})

describe.skipIf(!hasRedisServer)('attempts over Redis', () => {
  let server: PrivateRedis
  let redis: Redis
  beforeAll(async () => {
    server = await startRedis()
    redis = await connectRedis(server.url, { prefix: 'attempts-test:' })
  })
  afterAll(async () => {
    redis.close()
    await server.stop()
  })

  test('are counted for all instances, under a key that tells nothing and expires', async () => {
    const both = [new CountedAttempts(limits, redis), new CountedAttempts(limits, redis)]
    const attempt = (index: number) => both[index % 2]?.count('address', 'ada@example.com') ?? Promise.resolve()
    expect(await outcomes(4, attempt)).toEqual(['done', 'done', 'done', 'too_many_requests'])
    await both[0]?.forget('address', 'ada@example.com')
    expect(await outcomes(1, attempt)).toEqual(['done'])
    const keys = await redis.commands.call('', (client) => client.keys('*'))
    expect(keys).toHaveLength(1)
    expect(keys[0]).toStartWith('attempts-test:attempts:address:')
    expect(keys[0]).not.toContain('ada')
    expect(await redis.commands.call('', (client) => client.ttl(keys[0] ?? ''))).toBeGreaterThan(0)
  })

  test('are counted in the process while Redis is away', async () => {
    const attempts = new CountedAttempts(limits, redis)
    await server.kill()
    await until(() =>
      redis.check().then(
        () => false,
        () => true,
      ),
    )
    expect(await outcomes(4, () => attempts.count('address', 'b'))).toEqual([
      'done',
      'done',
      'done',
      'too_many_requests',
    ])
    await attempts.forget('address', 'b')
    expect(await outcomes(1, () => attempts.count('address', 'b'))).toEqual(['done'])
  })
})
