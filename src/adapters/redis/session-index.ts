import type { SessionRef } from '../../domain/sessions/events.ts'
import { indexKeys } from './keys.ts'
import type { Redis } from './redis.ts'

/** An entry outlives its session by up to this, and so needs to be renewed only now and then. */
const SLACK_MS = 60_000
/** Less than the slack by far more than a command may take. */
const RENEW_AFTER_MS = 45_000

/** Which sessions an owner has, maybe with some that are empty or have just expired. */
export class SessionIndex {
  readonly #redis: Redis
  readonly #ttlMs: string
  /** When an entry is due again, by session key; the first to be due is at the front. */
  readonly #dueAt = new Map<string, number>()

  constructor(redis: Redis, ttlMs: number) {
    this.#redis = redis
    this.#ttlMs = String(ttlMs + SLACK_MS)
    // What comes back may be an older or an empty Redis.
    redis.commands.watch({ lost: () => {}, back: () => this.#dueAt.clear() })
  }

  /** Whether the session's entry is due. It counts as renewed from now on, until `forget`. */
  claim(key: string): boolean {
    const now = performance.now()
    for (const [known, dueAt] of this.#dueAt) {
      if (dueAt > now) break
      this.#dueAt.delete(known)
    }
    if (this.#dueAt.has(key)) return false
    this.#dueAt.set(key, now + RENEW_AFTER_MS)
    return true
  }

  forget(key: string): void {
    this.#dueAt.delete(key)
  }

  renew({ owner, id }: SessionRef): Promise<void> {
    const keys = indexKeys(this.#redis.prefix, owner)
    return this.#redis.commands.call(keys[0], (client) => client.renewId(keys, id, this.#ttlMs))
  }

  /** In order, those after `after`. */
  ids(owner: string, after: string | undefined, limit: number): Promise<string[]> {
    const from = after === undefined ? '-' : `(${after}`
    const keys = indexKeys(this.#redis.prefix, owner)
    return this.#redis.commands.call(keys[0], (client) => client.sessionIds(keys, from, String(limit)))
  }
}
