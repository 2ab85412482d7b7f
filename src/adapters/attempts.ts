import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { AttemptKind, AttemptLimits, Attempts } from '../domain/accounts/ports.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Redis } from './redis/redis.ts'

const SECONDS: Record<AttemptKind, number> = { address: 60, register: 3600, password: 900 }

/** Counts in this process, or in Redis for all instances; while that is away, in this process. */
export class CountedAttempts implements Attempts {
  readonly #limiters: Record<AttemptKind, RateLimiterAbstract>

  constructor(limits: AttemptLimits, redis?: Redis) {
    const limiter = (kind: AttemptKind) => {
      const options = {
        points: limits[kind],
        duration: SECONDS[kind],
        keyPrefix: `${redis?.prefix ?? ''}attempts:${kind}`,
      }
      const local = new RateLimiterMemory(options)
      if (redis === undefined) return local
      return new RateLimiterRedis({
        ...options,
        storeClient: clientOf(redis),
        useRedisPackage: true,
        insuranceLimiter: local,
      })
    }
    this.#limiters = { address: limiter('address'), register: limiter('register'), password: limiter('password') }
  }

  async count(kind: AttemptKind, key: string): Promise<void> {
    try {
      await this.#limiters[kind].consume(hashOf(key))
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      throw new Refusal('too_many_requests', { retryAfter: Math.max(1, Math.ceil(refused.msBeforeNext / 1000)) })
    }
  }

  async forget(kind: AttemptKind, key: string): Promise<void> {
    await this.#limiters[kind].delete(hashOf(key))
  }
}

/** Keys of one length, whatever somebody puts into a name. */
function hashOf(key: string): string {
  return new Bun.CryptoHasher('sha256').update(key).digest('base64url')
}

/** As much of node-redis as the limiter calls, over our connection with its deadline. */
function clientOf({ commands }: Redis) {
  return {
    eval: (script: string, options: { keys: string[]; arguments: string[] }) =>
      commands.call(options.keys[0] ?? '', (client) => client.eval(script, options)),
    del: (key: string) => commands.call(key, (client) => client.del(key)),
  }
}
