import { describe, expect, test } from 'bun:test'
import { FINISHED_MS, KEPT_MS, MemoryAnswerBuffer } from '../../src/adapters/memory/answers.ts'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { RedisAnswerBuffer } from '../../src/adapters/redis/answers.ts'
import { connectRedis } from '../../src/adapters/redis/client.ts'
import { connectPlain, randomPrefix, testRedisUrl } from '../support/redis.ts'
import { answerContract } from './answers.ts'
import { openRedisAnswers } from './redis-world.ts'

answerContract('memory', async () => {
  const bus = new MemoryBus()
  const buffer = new MemoryAnswerBuffer(bus)
  return { buffer, peer: buffer, bus, close() {} }
})

const answer = { chatId: 'chat', messageId: 'message', answerId: 'answer' }

describe('the memory answer buffer', () => {
  test('forgets an answer after its time to live, and a finished one sooner', async () => {
    let now = 0
    const buffer = new MemoryAnswerBuffer(new MemoryBus(), () => now)
    await buffer.open(answer, '')
    now += KEPT_MS - 1
    await buffer.append(answer, 0, 'a')
    now += KEPT_MS - 1
    expect((await buffer.finish(answer, 'end'))?.text).toBe('a')
    now += FINISHED_MS
    expect(await buffer.read(answer)).toBeUndefined()
  })
})

if (testRedisUrl === undefined) {
  test.skip('the answer buffer: Redis (set TEST_REDIS_URL to run it)', () => {})
} else {
  const url = testRedisUrl
  answerContract('Redis', () => openRedisAnswers(url, randomPrefix()))

  describe('the Redis answer buffer', () => {
    test('lets every key of it expire, and keeps nothing of what was held once it is finished', async () => {
      const prefix = randomPrefix()
      const [redis, server] = await Promise.all([connectRedis(url, { prefix }), connectPlain(url)])
      const buffer = new RedisAnswerBuffer(redis)
      await buffer.open(answer, '')
      await buffer.addPiece(answer, 0, 'a')
      await buffer.addPiece(answer, 2, 'c')
      await buffer.endPieces(answer, 3, 'end')
      const keys = await server.keys(`${prefix}*`)
      expect(keys).toHaveLength(2)
      for (const key of keys) expect(await server.pTTL(key)).toBeGreaterThan(FINISHED_MS)
      await buffer.finish(answer, 'end')
      for (const key of keys) {
        const left = await server.pTTL(key)
        expect(left).toBeGreaterThan(0)
        expect(left).toBeLessThanOrEqual(FINISHED_MS)
      }
      const [state = ''] = keys.filter((key) => !key.endsWith(':text'))
      expect(await server.hKeys(state)).toEqual(['length', 'finished'])
      redis.close()
      server.destroy()
    })
  })
}
