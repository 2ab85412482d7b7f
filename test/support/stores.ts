import { MemoryAnswerBuffer } from '../../src/adapters/memory/answers.ts'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { MemorySessionStore } from '../../src/adapters/memory/sessions.ts'
import { RedisAnswerBuffer } from '../../src/adapters/redis/answers.ts'
import { RedisBus } from '../../src/adapters/redis/bus.ts'
import { connectRedis } from '../../src/adapters/redis/client.ts'
import { RedisSessionStore } from '../../src/adapters/redis/sessions.ts'
import type { AnswerBuffer, Bus, Probe, SessionLimits, SessionStore } from '../../src/domain/ports.ts'

/** What one server has of the shared stores. */
export type Stores = {
  bus: Bus
  sessions: SessionStore
  buffer: AnswerBuffer
  probes: Record<string, Probe>
  close(): void
}

export const SESSION_LIMITS: SessionLimits = { ttlSeconds: 3600, maxMessages: 1000, maxBytes: 4_194_304 }

/** Where the tests of shared state run: in memory always, and on a real Redis where one is named. */
export const storeKinds: { name: string; open(limits?: SessionLimits): Promise<Stores> }[] = [
  { name: 'memory', open: async (limits = SESSION_LIMITS) => memoryStores(limits) },
]

const redisUrl = process.env['TEST_REDIS_URL']
if (redisUrl) {
  storeKinds.push({
    name: 'redis',
    open: (limits = SESSION_LIMITS) => redisStores(redisUrl, `test:${crypto.randomUUID()}:`, limits),
  })
}

/** Two servers that share what instances share; in memory they share one process. */
export const sharedStores: { name: string; open(): Promise<[Stores, Stores]> }[] = [
  {
    name: 'memory',
    async open() {
      const stores = memoryStores()
      return [stores, stores]
    },
  },
]

if (redisUrl) {
  sharedStores.push({
    name: 'redis',
    async open() {
      const prefix = `test:${crypto.randomUUID()}:`
      return [await redisStores(redisUrl, prefix), await redisStores(redisUrl, prefix)]
    },
  })
}

export function memoryStores(limits = SESSION_LIMITS): Stores {
  const bus = new MemoryBus()
  const buffer = new MemoryAnswerBuffer(bus)
  return { bus, buffer, sessions: new MemorySessionStore(bus, limits), probes: {}, close() {} }
}

export async function redisStores(url: string, prefix: string, limits = SESSION_LIMITS): Promise<Stores> {
  const redis = await connectRedis(url, { prefix })
  return {
    bus: new RedisBus(redis),
    sessions: new RedisSessionStore(redis, limits),
    buffer: new RedisAnswerBuffer(redis),
    probes: { redis },
    close: () => redis.close(),
  }
}
