import { afterEach, describe, expect, test } from 'bun:test'
import { RedisBus } from '../../src/adapters/redis/bus.ts'
import { connectRedis } from '../../src/adapters/redis/client.ts'
import { RedisSessionStore } from '../../src/adapters/redis/sessions.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { type SessionRef, sessionChannel } from '../../src/domain/sessions/events.ts'
import { connectPlain, hasRedisServer, randomPrefix, startRedis, testRedisUrl } from '../support/redis.ts'
import { until } from '../support/wait.ts'
import { recorder } from './bus.ts'
import { messageText, newSession } from './session-world.ts'

const LIMITS = { ttlSeconds: 60, maxMessages: 1000, maxBytes: 1_000_000 }
const LONG_TEST_MS = 40_000

async function start() {
  const server = await startRedis()
  const redis = await connectRedis(server.url, { prefix: randomPrefix() })
  return { server, redis, bus: new RedisBus(redis), store: new RedisSessionStore(redis, LIMITS) }
}
type World = Awaited<ReturnType<typeof start>>

/** One call of each kind. */
function everyCall({ redis, bus, store }: World, session: SessionRef): Promise<unknown>[] {
  const calls = [
    store.append(session, messageText('a')),
    store.appendAndRead(session, messageText('a')),
    store.read(session),
    store.clear(session),
    store.list(session.owner, { limit: 10 }),
    bus.publish('channel', 'payload'),
    bus.subscribe('new channel', recorder()),
    bus.subscribe(sessionChannel(session), recorder()),
    redis.check(),
  ]
  for (const call of calls) call.catch(seenLater)
  return calls
}

/** A call that fails before somebody awaits it does not end the test. */
function seenLater(): void {}

async function expectAllUnavailable(calls: Promise<unknown>[]): Promise<void> {
  for (const call of calls) {
    const fault: unknown = await call.catch((reason: unknown) => reason)
    expect(fault).toBeInstanceOf(Refusal)
    expect(fault).toMatchObject({ reason: 'storage_unavailable' })
  }
}

/** Everything works again, on the same objects. */
async function expectBack({ redis, bus, store }: World, session: SessionRef): Promise<void> {
  const answers = () =>
    redis.check().then(
      () => true,
      () => false,
    )
  await until(answers, 'Redis to be back')
  const listener = recorder()
  const end = await bus.subscribe(sessionChannel(session), listener)
  const message = messageText('back')
  const { position, messages } = await store.appendAndRead(session, message)
  expect(messages.at(-1)).toBe(message)
  await store.append(session, message)
  await until(() => listener.heard.length === 2, 'both events')
  expect(await store.read(session)).toMatchObject({ position: position + 1 })
  expect(await store.list(session.owner, { limit: 10 })).toMatchObject([{ session_id: session.id }])
  end()
}

async function shardChannels(url: string): Promise<string[]> {
  const client = await connectPlain(url)
  const channels = await client.pubSubShardChannels()
  client.destroy()
  return channels
}

if (testRedisUrl === undefined || !hasRedisServer) {
  test.skip('a Redis that fails (set TEST_REDIS_URL and install redis-server to run it)', () => {})
} else {
  describe('a Redis that fails', () => {
    const worlds: World[] = []
    const open = async () => {
      const world = await start()
      worlds.push(world)
      return world
    }
    afterEach(async () => {
      for (const { redis, server } of worlds.splice(0)) {
        redis.close()
        await server.stop()
      }
    })

    test(
      'is unavailable while it is dead, and works again when it is back, empty',
      async () => {
        const world = await open()
        const session = newSession()
        const [listener, leaver] = [recorder(), recorder()]
        await world.bus.subscribe(sessionChannel(session), listener)
        const end = await world.bus.subscribe('left while Redis is away', leaver)
        const before = await world.store.append(session, messageText('a'))
        await until(() => listener.heard.length === 1, 'the first event')

        const inFlight = everyCall(world, session)
        await world.server.kill()
        // Those on their way may have made it.
        await Promise.allSettled(inFlight)
        await until(() => listener.losses > 0, 'the listener to be told')
        await expectAllUnavailable(everyCall(world, session))
        end()
        end()

        const losses = listener.losses
        await world.server.restart()
        await expectBack(world, session)
        await until(() => listener.losses > losses, 'the listener to be told to read again')
        const after = await world.store.append(session, messageText('b'))
        expect(after).toBeGreaterThan(before)
        await until(() => listener.heard.at(-1)?.startsWith(`${after} `) === true, 'the old listener to hear again')
        await until(async () => (await shardChannels(world.server.url)).length === 1, 'only one channel to be left')
      },
      LONG_TEST_MS,
    )

    test(
      'is unavailable while it hangs, however many calls come, and works again when it goes on',
      async () => {
        const world = await open()
        const session = newSession()
        const listener = recorder()
        await world.bus.subscribe(sessionChannel(session), listener)
        world.server.freeze()
        // Calls that keep coming must not put the deadline off.
        let hanging = true
        const more = until(() => {
          world.store.append(session, messageText('a')).catch(seenLater)
          return !hanging
        })
        await expectAllUnavailable(everyCall(world, newSession()))
        hanging = false
        await more
        await until(() => listener.losses > 0, 'the listener to be told')
        await expectAllUnavailable(everyCall(world, session))
        world.server.thaw()
        await expectBack(world, session)
        await until(async () => (await shardChannels(world.server.url)).length === 1, 'only one channel to be left')
      },
      LONG_TEST_MS,
    )

    test(
      'comes back again and again',
      async () => {
        const world = await open()
        for (let round = 0; round < 3; round += 1) {
          const session = newSession()
          const ends = await Promise.all([1, 2, 3].map((n) => world.bus.subscribe(`${round} ${n}`, recorder())))
          await world.server.kill()
          for (const end of ends) end()
          await world.server.restart()
          await expectBack(world, session)
        }
        await until(async () => (await shardChannels(world.server.url)).length === 0, 'no channel to be left')
      },
      LONG_TEST_MS,
    )

    test('does not know the scripts any more after SCRIPT FLUSH, and is told them', async () => {
      const world = await open()
      const session = newSession()
      const flush = async () => {
        const client = await connectPlain(world.server.url)
        await client.scriptFlush()
        client.destroy()
      }
      const [first, second, third] = [messageText('a'), messageText('b'), messageText('c')]
      await world.store.appendAndRead(session, first)
      await flush()
      expect((await world.store.appendAndRead(session, second)).messages).toEqual([first, second])
      await flush()
      await world.store.append(session, third)
      expect((await world.store.read(session)).messages).toEqual([first, second, third])
    })

    test(
      'leaves no gap to a reader that reads again whenever it is told that it may have missed something',
      async () => {
        const world = await open()
        const session = newSession()
        const seen = new Set<string>()
        const read = async () => {
          for (const message of (await world.store.read(session)).messages) seen.add(message)
        }
        let losses = 0
        await world.bus.subscribe(sessionChannel(session), {
          message(payload) {
            seen.add(payload.slice(payload.indexOf(' ') + 1))
          },
          lost() {
            losses += 1
            read().catch(seenLater)
          },
        })
        const killer = await connectPlain(world.server.url)
        const messages: string[] = []
        for (let round = 1; round <= 10; round += 1) {
          await killer.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
          await until(async () => {
            const message = messageText(`message ${messages.length}`)
            messages.push(message)
            await world.store.append(session, message)
            return losses >= round * 2
          }, 'the listener to be told twice')
        }
        killer.destroy()
        await until(() => messages.every((message) => seen.has(message)), 'every message to be seen')
      },
      LONG_TEST_MS,
    )

    describe('at the first connect', () => {
      const connecting = (host: string) => connectRedis(`redis://user:secret@${host}`).then(String, String)

      test('is named by the error, without the password', async () => {
        const { server } = await open()
        const { host } = new URL(server.url)
        const fault = await connecting(host)
        expect(fault).toStartWith(`Error: Redis at ${host} cannot be reached: WRONGPASS`)
        expect(fault).not.toContain('secret')
      })

      test(
        'is not waited for for ever, dead or hanging',
        async () => {
          const [dead, hanging] = await Promise.all([open(), open()])
          await dead.server.kill()
          hanging.server.freeze()
          const hosts = [dead, hanging].map(({ server }) => new URL(server.url).host)
          const faults = await Promise.all(hosts.map(connecting))
          expect(faults[0]).toStartWith(`Error: Redis at ${hosts[0]} cannot be reached: `)
          expect(faults[1]).toStartWith(`Error: Redis at ${hosts[1]} cannot be reached: `)
        },
        LONG_TEST_MS,
      )
    })
  })
}
