import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { RedisBus } from '../../src/adapters/redis/bus.ts'
import { connectRedis } from '../../src/adapters/redis/client.ts'
import { channelKey, indexKeys, sessionKeys } from '../../src/adapters/redis/keys.ts'
import { RedisSessionStore } from '../../src/adapters/redis/sessions.ts'
import { slotOf } from '../../src/adapters/redis/slot.ts'
import { type SessionRef, sessionChannel } from '../../src/domain/sessions/events.ts'
import { hasRedisServer, type PrivateRedis, randomPrefix, startRedis, testRedisUrl } from '../support/redis.ts'
import { type PrivateCluster, startRedisCluster, tell } from '../support/redis-cluster.ts'
import { until } from '../support/wait.ts'
import { recorder } from './bus.ts'
import { messageText, newSession } from './session-world.ts'

setDefaultTimeout(60_000)

const LIMITS = { ttlSeconds: 600, maxMessages: 1000, maxBytes: 1_000_000 }

if (testRedisUrl === undefined || !hasRedisServer) {
  test.skip('a Redis Cluster that changes (set TEST_REDIS_URL and install redis-server to run it)', () => {})
} else {
  describe('a Redis Cluster that changes', () => {
    const closers: (() => Promise<void> | void)[] = []
    afterEach(async () => {
      for (const close of closers.splice(0).reverse()) await close()
    })

    const open = async (replicas: 0 | 1 = 0) => {
      const cluster = await startRedisCluster({ replicas })
      closers.push(() => cluster.stop())
      const prefix = randomPrefix()
      const redis = await connectRedis(cluster.url, { prefix })
      closers.push(() => redis.close())
      return { cluster, prefix, redis, bus: new RedisBus(redis), store: new RedisSessionStore(redis, LIMITS) }
    }
    type World = Awaited<ReturnType<typeof open>>

    /** The masters as they were at the start have a third of the slots each. */
    const ownerOf = ({ masters }: PrivateCluster, slot: number): PrivateRedis => {
      const master = masters.findLast((_, index) => slot >= Math.floor((index * 16_384) / 3))
      if (master === undefined) throw new RangeError(`slot ${slot}`)
      return master
    }
    const slotIn = ({ prefix }: World, session: SessionRef) => slotOf(sessionKeys(prefix, session).key)
    /** A session that was this master's at the start, with the index of its owner. */
    const sessionAt = (world: World, master: PrivateRedis): SessionRef => {
      while (true) {
        const session = newSession()
        const slots = [slotIn(world, session), slotOf(indexKeys(world.prefix, session.owner)[0])]
        if (slots.every((slot) => ownerOf(world.cluster, slot) === master)) return session
      }
    }
    /** One on each master, listened to. */
    const listenEverywhere = (world: World) =>
      Promise.all(
        world.cluster.masters.map(async (master) => {
          const session = sessionAt(world, master)
          const listener = recorder()
          await world.bus.subscribe(sessionChannel(session), listener)
          return { master, session, listener }
        }),
      )
    /** Posts until a post is heard: one that a change of nodes swallowed is not heard later. */
    const expectLive = async ({ store }: World, session: SessionRef, listener: { heard: string[] }) => {
      const posted = new Set<number>()
      await until(async () => {
        const position = await store.append(session, messageText('live')).catch(() => undefined)
        if (position !== undefined) posted.add(position)
        return listener.heard.some((event) => posted.has(Number(event.split(' ', 1)[0])))
      }, 'a post to be heard')
    }

    test('is told keys and channels by the slot that it has them in itself', async () => {
      const { cluster, redis } = await open()
      const keys = ['', 'a', '{}a', 'a{b}c{d}', '{a', 'é{🙂}', '{}{a}', randomPrefix(), channelKey(redis.prefix, 'x')]
      const [first] = cluster.masters
      for (const key of keys)
        expect(`${key} ${slotOf(key)}`).toBe(`${key} ${first && (await tell(first, 'CLUSTER', 'KEYSLOT', key))}`)
    })

    test('keeps all promises when a slot goes over to another node, under posts', async () => {
      const world = await open()
      const { cluster, store, bus } = world
      const [from, to] = cluster.masters
      if (from === undefined || to === undefined) throw new Error('three masters')
      const session = sessionAt(world, from)
      const seen = new Set<string>()
      const read = async () => {
        for (const message of (await store.read(session)).messages) seen.add(message)
      }
      let losses = 0
      await bus.subscribe(sessionChannel(session), {
        message: (payload) => seen.add(payload.slice(payload.indexOf(' ') + 1)),
        lost() {
          losses += 1
          read().catch(() => {})
        },
      })
      const messages: string[] = []
      const post = async () => {
        const message = messageText(`message ${messages.length}`)
        await store.append(session, message)
        messages.push(message)
      }
      for (let count = 0; count < 20; count += 1) await post()
      let moving = true
      const moved = cluster.moveSlot(slotIn(world, session), from, to).finally(() => {
        moving = false
      })
      while (moving) await post()
      await moved
      await until(async () => {
        await post()
        return losses > 0
      }, 'the listener to be told')
      await until(() => messages.every((message) => seen.has(message)), 'every message to be seen')
      expect((await store.read(session)).messages).toEqual(messages)
      const heard = recorder()
      await bus.subscribe(sessionChannel(session), heard)
      await post()
      await until(() => heard.heard.length > 0, 'the channel to be heard at its new node')
      expect(heard.heard).toHaveLength(1)
    })

    test('answers for a slot that is on its way, wherever its keys are', async () => {
      const world = await open()
      const { cluster, store } = world
      const [from, to] = cluster.masters
      if (from === undefined || to === undefined) throw new Error('three masters')
      const session = sessionAt(world, from)
      const slot = String(slotIn(world, session))
      await tell(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', await tell(from, 'CLUSTER', 'MYID'))
      await tell(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', await tell(to, 'CLUSTER', 'MYID'))
      const [first, second] = [messageText('a'), messageText('b')]
      await store.append(session, first)
      expect((await store.appendAndRead(session, second)).messages).toEqual([first, second])
      expect((await store.read(session)).messages).toEqual([first, second])
    })

    test('goes on at the other nodes while one is dead, and with it when it is back', async () => {
      const world = await open()
      for (const master of world.cluster.masters)
        await tell(master, 'CONFIG', 'SET', 'cluster-require-full-coverage', 'no')
      const [dead, ...alive] = await listenEverywhere(world)
      if (dead === undefined) throw new Error('three masters')
      await dead.master.kill()
      await until(() => [dead, ...alive].every(({ listener }) => listener.losses > 0), 'all listeners to be told')
      await expect(world.store.read(dead.session)).rejects.toMatchObject({ reason: 'storage_unavailable' })
      await expect(world.bus.subscribe(sessionChannel(dead.session), recorder())).rejects.toMatchObject({
        reason: 'storage_unavailable',
      })
      for (const { session, listener } of alive) await expectLive(world, session, listener)
      const told = dead.listener.losses
      await dead.master.restart()
      await expectLive(world, dead.session, dead.listener)
      await until(() => dead.listener.losses > told, 'the listener to be told to read again')
      await world.redis.check()
    })

    test('refuses what a node that hangs should answer, and not the rest', async () => {
      const world = await open()
      const [hanging, ...others] = await listenEverywhere(world)
      if (hanging === undefined) throw new Error('three masters')
      hanging.master.freeze()
      const calls = [world.store.append(hanging.session, messageText('a')), world.store.read(hanging.session)]
      for (const call of await Promise.allSettled(calls))
        expect(call).toMatchObject({ status: 'rejected', reason: { reason: 'storage_unavailable' } })
      hanging.master.thaw()
      for (const { session, listener } of [hanging, ...others]) await expectLive(world, session, listener)
    })

    test('goes on with the replica of a master that died', async () => {
      const world = await open(1)
      const places = await listenEverywhere(world)
      for (const { master, session, listener } of places.slice(0, 2)) {
        const losses = listener.losses
        await master.kill()
        await expectLive(world, session, listener)
        await until(() => listener.losses > losses, 'the listener to be told')
      }
      for (const { session, listener } of places) await expectLive(world, session, listener)
      await until(
        () =>
          world.redis.check().then(
            () => true,
            () => false,
          ),
        'all nodes to answer',
      )
    })

    test('goes on when a replica takes over from a master that lives', async () => {
      const world = await open(1)
      const [place] = await listenEverywhere(world)
      const [replica] = world.cluster.replicas
      if (place === undefined || replica === undefined) throw new Error('three masters')
      await tell(replica, 'CLUSTER', 'FAILOVER')
      await until(async () => (await tell(replica, 'ROLE')).startsWith('master'), 'the replica to take over')
      await until(() => place.listener.losses > 0, 'the listener to be told')
      await expectLive(world, place.session, place.listener)
      const heard = recorder()
      await world.bus.subscribe(sessionChannel(place.session), heard)
      const position = await world.store.append(place.session, messageText('once'))
      const next = await world.store.append(place.session, messageText('last'))
      await until(() => heard.heard.some((event) => event.startsWith(`${next} `)), 'the last one')
      expect(heard.heard.filter((event) => event.startsWith(`${position} `))).toHaveLength(1)
    })

    test('that has no slots yet is told from one that works', async () => {
      const node = await startRedis('node')
      closers.push(() => node.stop())
      const { host } = new URL(node.url)
      expect(await connectRedis(node.url).then(String, String)).toStartWith(
        `Error: The Redis Cluster at ${host} has no slots yet: create it first`,
      )
    })
  })
}
