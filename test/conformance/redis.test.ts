import { afterEach, describe, expect, test } from 'bun:test'
import { ErrorReply } from 'redis'
import { RedisBus } from '../../src/adapters/redis/bus.ts'
import { connectRedis } from '../../src/adapters/redis/client.ts'
import { RedisSessionStore } from '../../src/adapters/redis/sessions.ts'
import { connectPlain, randomPrefix, testRedisUrl } from '../support/redis.ts'
import { until } from '../support/wait.ts'
import { recorder } from './bus.ts'
import { messageText, newSession } from './session-world.ts'

const LIMITS = { ttlSeconds: 60, maxMessages: 1000, maxBytes: 1_000_000 }

if (testRedisUrl === undefined) {
  test.skip('what Redis keeps (set TEST_REDIS_URL to run it)', () => {})
} else {
  const url = testRedisUrl
  describe('what Redis keeps', () => {
    const closers: (() => void)[] = []
    afterEach(() => {
      for (const close of closers.splice(0)) close()
    })

    const start = async (limits = LIMITS) => {
      const prefix = randomPrefix()
      const [redis, server] = await Promise.all([connectRedis(url, { prefix }), connectPlain(url)])
      closers.push(
        () => redis.close(),
        () => server.destroy(),
      )
      return { prefix, server, bus: new RedisBus(redis), store: new RedisSessionStore(redis, limits) }
    }
    type World = Awaited<ReturnType<typeof start>>

    const channels = async ({ prefix, server }: World) => await server.pubSubShardChannels(`${prefix}*`)
    const keys = async ({ prefix, server }: World) => {
      const found: string[] = []
      for await (const batch of server.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) found.push(...batch)
      return found
    }

    test('is one subscription per channel and process, and none when the last listener has left', async () => {
      const world = await start()
      const listeners = Array.from({ length: 20 }, recorder)
      const ends = await Promise.all(listeners.map((listener) => world.bus.subscribe('a', listener)))
      const [channel = ''] = await channels(world)
      expect(await world.server.pubSubShardNumSub([channel])).toEqual({ [channel]: 1 })
      const last = ends.pop()
      for (const end of ends) end()
      expect(await channels(world)).toEqual([channel])
      last?.()
      await until(async () => (await channels(world)).length === 0, 'the channel to go')
    })

    test('is nothing of listeners that came and went at once', async () => {
      const world = await start()
      const comeAndGo = async (index: number) => {
        const end = await world.bus.subscribe(`channel ${index % 7}`, recorder())
        end()
      }
      await Promise.all(Array.from({ length: 500 }, (_, index) => comeAndGo(index)))
      await until(async () => (await channels(world)).length === 0, 'all channels to go')
    })

    test('expires, every key of it', async () => {
      const world = await start()
      const session = newSession()
      await world.store.append(session, messageText('a'))
      await world.store.append(session, messageText('b'))
      await world.store.clear(newSession(session.owner))
      const found = await keys(world)
      expect(found).toHaveLength(4)
      for (const key of found) expect(await world.server.pTTL(key)).toBeGreaterThan(0)
    })

    test('is answered as a whole of more and longer sessions than this process keeps copies of', async () => {
      const { store } = await start({ ...LIMITS, maxMessages: 2 })
      const sessions = Array.from({ length: 16 }, () => newSession())
      const message = messageText('x'.repeat(300_000))
      for (const posts of [1, 2, 2]) {
        const snapshots = await Promise.all(sessions.map((session) => store.appendAndRead(session, message)))
        for (const { messages } of snapshots)
          expect(messages.map(({ length }) => length)).toEqual(Array(posts).fill(message.length))
      }
    })

    test('does not grow when messages are dropped', async () => {
      const world = await start({ ...LIMITS, maxMessages: 10 })
      const session = newSession()
      const message = messageText('é'.repeat(1000))
      for (let index = 0; index < 200; index += 1) await world.store.append(session, message)
      const [key = ''] = (await keys(world)).filter((name) => name.endsWith(':messages'))
      expect(await world.server.strLen(key)).toBeLessThan(Buffer.byteLength(message) * 10 * 1.6)
    })

    test('is listed again after Redis was emptied', async () => {
      const world = await start()
      const session = newSession()
      await world.store.append(session, messageText('a'))
      for (const key of await keys(world)) await world.server.del(key)
      await world.store.append(session, messageText('b'))
      expect(await world.store.list(session.owner, { limit: 10 })).toEqual([
        { session_id: session.id, message_count: 1 },
      ])
    })

    test('is not an index that remembers sessions long gone', async () => {
      const world = await start()
      const session = newSession()
      await world.store.append(session, messageText('a'))
      const index = (await keys(world)).filter((key) => key.includes('{sessions:'))
      const [ids = '', expiries = ''] = index.sort().reverse()
      const gone = Array.from({ length: 150 }, (_, number) => `gone-${number}`)
      await world.server.zAdd(
        ids,
        gone.map((value) => ({ score: 0, value })),
      )
      await world.server.zAdd(
        expiries,
        gone.map((value) => ({ score: 1, value })),
      )
      for (let step = 0; step < 2; step += 1) await world.store.list(session.owner, { limit: 1 })
      expect(await world.server.zRange(ids, 0, -1)).toEqual([session.id])
      expect(await world.server.zRange(expiries, 0, -1)).toEqual([session.id])
    })

    test('shows a bug as a bug, not as a server that is away', async () => {
      const world = await start()
      const session = newSession()
      await world.store.append(session, messageText('a'))
      const [key = ''] = (await keys(world)).filter((name) => name.endsWith(':messages'))
      await world.server.del(key)
      await world.server.lPush(key, 'not a text')
      await expect(world.store.append(session, messageText('b'))).rejects.toBeInstanceOf(ErrorReply)
      await expect(world.store.appendAndRead(session, messageText('b'))).rejects.toBeInstanceOf(ErrorReply)
      await expect(world.store.read(session)).rejects.toBeInstanceOf(ErrorReply)
      await world.server.del(key)
    })
  })
}
