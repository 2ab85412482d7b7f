import { RedisAnswerBuffer } from '../../src/adapters/redis/answers.ts'
import { RedisBus } from '../../src/adapters/redis/bus.ts'
import { connectRedis } from '../../src/adapters/redis/client.ts'
import { RedisSessionStore } from '../../src/adapters/redis/sessions.ts'
import type { SessionLimits } from '../../src/domain/ports.ts'
import type { OpenAnswers } from './answers.ts'
import type { OpenBus } from './bus.ts'
import type { OpenSessions } from './session-world.ts'

/** Two processes' view of one Redis. */
async function connectTwice(url: string, prefix: string) {
  const [here, there] = await Promise.all([connectRedis(url, { prefix }), connectRedis(url, { prefix })])
  const close = () => {
    here.close()
    there.close()
  }
  return { here, there, close }
}

export async function openRedisBus(url: string, prefix: string): Promise<OpenBus> {
  const { here, there, close } = await connectTwice(url, prefix)
  return { bus: new RedisBus(here), peer: new RedisBus(there), close }
}

export async function openRedisSessions(url: string, prefix: string, limits: SessionLimits): Promise<OpenSessions> {
  const { here, there, close } = await connectTwice(url, prefix)
  const [store, peer] = [new RedisSessionStore(here, limits), new RedisSessionStore(there, limits)]
  return { store, peer, bus: new RedisBus(here), tick() {}, close }
}

export async function openRedisAnswers(url: string, prefix: string): Promise<OpenAnswers> {
  const { here, there, close } = await connectTwice(url, prefix)
  return { buffer: new RedisAnswerBuffer(here), peer: new RedisAnswerBuffer(there), bus: new RedisBus(there), close }
}
