import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { connectRedis } from '../../src/adapters/redis/client.ts'
import { sessionKeys } from '../../src/adapters/redis/keys.ts'
import { RedisSessionStore } from '../../src/adapters/redis/sessions.ts'
import { slotOf } from '../../src/adapters/redis/slot.ts'
import { connectPlain, hasRedisServer, randomPrefix, startRedis, testRedisUrl } from '../support/redis.ts'
import { startRedisCluster, tell } from '../support/redis-cluster.ts'
import { until } from '../support/wait.ts'
import { messageText, newSession } from './session-world.ts'

setDefaultTimeout(60_000)

const LIMITS = { ttlSeconds: 600, maxMessages: 4, maxBytes: 1200 }
const SEAL = { chatId: 'chat', accountId: 'account' }

if (testRedisUrl === undefined || !hasRedisServer) {
  test.skip('copies of sessions (set TEST_REDIS_URL and install redis-server to run it)', () => {})
} else {
  describe('what a process still knows of a session', () => {
    const closers: (() => Promise<void> | void)[] = []
    afterEach(async () => {
      for (const close of closers.splice(0).reverse()) await close()
    })

    const instance = async (url: string, prefix: string) => {
      const redis = await connectRedis(url, { prefix })
      closers.push(() => redis.close())
      return new RedisSessionStore(redis, LIMITS)
    }

    test('is never told in place of what is there, whatever others did, and whatever became of the server', async () => {
      const server = await startRedis()
      closers.push(() => server.stop())
      const plain = await connectPlain(server.url)
      closers.push(() => plain.destroy())
      const prefix = randomPrefix()
      const [one, two, reader] = await Promise.all([1, 2, 3].map(() => instance(server.url, prefix)))
      if (one === undefined || two === undefined || reader === undefined) throw new Error('three instances')
      const stores = [one, two]
      let session = newSession()
      const key = () => sessionKeys(prefix, session).key
      let saved: string | null = null
      const up = () =>
        until(async () => {
          const pings = [...stores, reader].map((store) =>
            store.read(session).then(
              () => true,
              () => false,
            ),
          )
          return (await Promise.all(pings)).every(Boolean)
        }, 'all to be connected again')

      /** Each changes the session in a way that copies have to notice. */
      const changes = {
        append: async (by: RedisSessionStore, text: string) => void (await by.append(session, messageText(text))),
        clear: (by: RedisSessionStore) => by.clear(session),
        expire: async () => void (await plain.del(key())),
        promoteInVain: async (by: RedisSessionStore) => {
          await by.seal(session, SEAL)
          await by.unseal(session, SEAL.chatId)
        },
        save: async () => {
          saved = await plain.get(key())
        },
        /** As when a replica that has not heard of the newest changes takes the place of its master. */
        failOver: async () => {
          await plain.sendCommand(['CLIENT', 'KILL', 'SKIPME', 'yes'])
          await plain.del(key())
          if (saved !== null) await plain.set(key(), saved)
          await up()
        },
        read: async () => {},
      }
      const names = ['append', 'clear', 'expire', 'promoteInVain', 'save', 'failOver', 'read'] as const
      const step = fc.record({
        change: fc.oneof({ weight: 6, arbitrary: fc.constant('read' as const) }, fc.constantFrom(...names)),
        by: fc.nat({ max: 1 }),
        poster: fc.nat({ max: 1 }),
        text: fc.string({ unit: 'grapheme', maxLength: 150 }),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          session = newSession()
          saved = null
          for (const { change, by, poster, text } of steps) {
            await changes[change](stores[by] ?? one, text)
            const before = await reader.read(session)
            const message = messageText(text)
            const answer = await (stores[poster] ?? one).appendAndRead(session, message)
            const after = await reader.read(session)
            expect(answer).toEqual(after)
            expect(after.messages.at(-1)).toBe(message)
            expect([...before.messages, message].slice(-after.messages.length)).toEqual([...after.messages])
          }
        }),
        { numRuns: 60, endOnFailure: true },
      )
    })

    test('holds in answers to posts of many instances at once: each is the state at its position', async () => {
      const prefix = randomPrefix()
      const stores = await Promise.all(Array.from({ length: 3 }, () => instance(testRedisUrl ?? '', prefix)))
      const session = newSession()
      const said = new Map<number, string>()
      const answers: { position: number; messages: readonly string[] }[] = []
      const post = async (store: RedisSessionStore, index: number) => {
        const message = messageText(`message ${index}`)
        const answer = await store.appendAndRead(session, message)
        said.set(answer.position, message)
        answers.push(answer)
      }
      for (let round = 0; round < 40; round += 1) {
        // Some rounds of one instance alone: then it knows the session.
        const writers = round % 3 === 0 ? stores : stores.slice(0, 1)
        await Promise.all(writers.flatMap((store) => [post(store, round), post(store, -round)]))
      }
      for (const { position, messages } of answers) {
        const state = Array.from({ length: messages.length }, (_, back) =>
          said.get(position - messages.length + 1 + back),
        )
        expect([...messages]).toEqual(state.map((text) => text ?? ''))
      }
    })

    test('is not told of a node of a cluster that another one has taken the place of', async () => {
      const cluster = await startRedisCluster()
      closers.push(() => cluster.stop())
      const prefix = randomPrefix()
      const store = await instance(cluster.url, prefix)
      const [, from, to] = cluster.masters
      if (from === undefined || to === undefined) throw new Error('three masters')
      let session = newSession()
      const slot = () => slotOf(sessionKeys(prefix, session).key)
      while (Math.floor((slot() * 3) / 16_384) !== 1) session = newSession()
      const { key } = sessionKeys(prefix, session)
      await store.appendAndRead(session, messageText('first'))
      const behind = await connectPlain(from.url)
      closers.push(() => behind.destroy())
      const old = await behind.get(key)
      await store.appendAndRead(session, messageText('lost'))
      // The other node has the session as of before, and another process has posted there: the same position again.
      await behind.set(key, old ?? '')
      await cluster.moveSlot(slot(), from, to)
      const position = String(Number(old?.slice(0, 16)) + 1).padStart(16, '0')
      const other = messageText('told')
      await tell(to, 'SET', key, `${position} 0000000002${old?.slice(27) ?? ''}${other}\x1e`)
      const answer = await store.appendAndRead(session, messageText('third'))
      expect(answer.messages.map((text) => JSON.parse(text).content)).toEqual(['first', 'told', 'third'])
    })
  })
}
