import { ErrorReply } from 'redis'
import type { SessionPage, SessionSummary } from '../../contract/sessions.ts'
import type { SessionLimits, SessionSnapshot, SessionStore } from '../../domain/ports.ts'
import type { SessionRef } from '../../domain/sessions/events.ts'
import type { Redis } from './client.ts'
import type { RedisClient } from './connection.ts'
import { codeOf, errorOf } from './faults.ts'
import { sessionKeys } from './keys.ts'
import { type Append, scripts, toText } from './scripts.ts'
import { SessionIndex } from './session-index.ts'
import { countOf, HEADER_BYTES, positionOf, snapshotOf } from './session-text.ts'

/** Ids per step of a list, at least: cleared sessions are skipped, and must not cost a round trip each. */
const LIST_STEP = 100

/** Sessions of all processes that share the Redis and its prefix. A call is one round trip (`list`: two a step). */
export class RedisSessionStore implements SessionStore {
  readonly #redis: Redis
  readonly #index: SessionIndex
  readonly #ttlMs: string
  readonly #caps: [maxMessages: string, maxBytes: string]

  constructor(redis: Redis, limits: SessionLimits) {
    const ttlMs = Math.ceil(limits.ttlSeconds * 1000)
    this.#redis = redis
    this.#index = new SessionIndex(redis, ttlMs)
    this.#ttlMs = String(ttlMs)
    this.#caps = [String(limits.maxMessages), String(limits.maxBytes)]
  }

  async append(session: SessionRef, message: string): Promise<number> {
    const { channel, key } = sessionKeys(this.#redis.prefix, session)
    const header = await this.#indexed(session, key, (client) =>
      client.append([key], channel, this.#ttlMs, message, ...this.#caps),
    )
    return positionOf(header)
  }

  async appendAndRead(session: SessionRef, message: string): Promise<SessionSnapshot> {
    const { channel, key } = sessionKeys(this.#redis.prefix, session)
    const text = await this.#indexed(session, key, (client) =>
      appendAndGet(client, key, [channel, this.#ttlMs, message, ...this.#caps]),
    )
    return snapshotOf(text)
  }

  async read(session: SessionRef): Promise<SessionSnapshot> {
    const { key } = sessionKeys(this.#redis.prefix, session)
    return snapshotOf(await this.#redis.commands.call((client) => client.get(key)))
  }

  async clear(session: SessionRef): Promise<void> {
    const { channel, key } = sessionKeys(this.#redis.prefix, session)
    await this.#redis.commands.call((client) => client.clearSession([key], channel, this.#ttlMs))
  }

  async list(owner: string, { limit, after }: SessionPage): Promise<SessionSummary[]> {
    const page: SessionSummary[] = []
    let last = after
    while (true) {
      const step = Math.max(limit - page.length, LIST_STEP)
      const ids = await this.#index.ids(owner, last, step)
      page.push(...(await this.#summaries(owner, ids)))
      if (page.length >= limit || ids.length < step) return page.slice(0, limit)
      last = ids.at(-1)
    }
  }

  /** Without those that hold no messages: cleared, expired, or not yet written. */
  async #summaries(owner: string, ids: string[]): Promise<SessionSummary[]> {
    const keys = ids.map((id) => sessionKeys(this.#redis.prefix, { owner, id }).key)
    const headers = await this.#redis.commands.call((client) =>
      Promise.all(keys.map((key) => client.getRange(key, 0, HEADER_BYTES - 1))),
    )
    return ids
      .map((session_id, index) => ({ session_id, message_count: countOf(headers[index] ?? '') }))
      .filter(({ message_count }) => message_count > 0)
  }

  /**
   * Appends, with the index told first: a crash between leaves an entry without messages, which `list` skips, but never a
   * session that no list shows.
   */
  async #indexed(session: SessionRef, key: string, append: (client: RedisClient) => Promise<string>): Promise<string> {
    const due = this.#index.claim(key)
    try {
      return await this.#redis.commands.call(async (client) => {
        const [, text] = await Promise.all([due ? this.#index.renew(client, session) : undefined, append(client)])
        // Its first message, though this process had it in the index: Redis was emptied, or the session was cleared.
        if (!due && countOf(text) === 1) await this.#index.renew(client, session)
        return text
      })
    } catch (fault) {
      this.#index.forget(key)
      throw fault
    }
  }
}

/**
 * As one transaction instead of one script: a script that handles the whole text makes Lua collect garbage, which costs
 * more than all the rest.
 */
async function appendAndGet(client: RedisClient, key: string, args: Append): Promise<string> {
  const change = ['EVALSHA', scripts.append.SHA1, '1', key, ...args]
  const both = () => client.multi().addCommand(change).get(key).exec()
  const [, text] = await both().catch(async (fault: unknown) => {
    if (!isScriptMissing(fault)) throw fault
    await client.scriptLoad(scripts.append.SCRIPT)
    return both()
  })
  return toText(text)
}

/** Redis has been restarted. Nothing was changed. */
function isScriptMissing(fault: unknown): boolean {
  const error = errorOf(fault)
  return error instanceof ErrorReply && codeOf(error) === 'NOSCRIPT'
}
