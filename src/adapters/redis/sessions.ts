import { ErrorReply } from 'redis'
import type { SessionPage, SessionSummary } from '../../contract/sessions.ts'
import type { SessionLimits, SessionSeal, SessionSnapshot, SessionStore } from '../../domain/ports.ts'
import { Refusal } from '../../domain/refusal.ts'
import { type Promoted, promotedText, type SessionRef } from '../../domain/sessions/events.ts'
import type { RedisClient } from './driver.ts'
import { codeOf, errorOf } from './faults.ts'
import { sessionKeys } from './keys.ts'
import type { Redis } from './redis.ts'
import { type Append, scripts, toText } from './scripts.ts'
import { SessionCopies } from './session-copies.ts'
import { SessionIndex } from './session-index.ts'
import { countOf, HEADER_BYTES, headerOf, positionOf, sealOf, snapshotOf } from './session-text.ts'

/** Ids per step of a list, at least: cleared sessions are skipped, and must not cost a round trip each. */
const LIST_STEP = 100

/** Sessions of all processes that share the Redis and its prefix. A call is one round trip (`list`: two a step). */
export class RedisSessionStore implements SessionStore {
  readonly #redis: Redis
  readonly #index: SessionIndex
  readonly #copies: SessionCopies
  readonly #ttlMs: string
  readonly #caps: [maxMessages: string, maxBytes: string]

  constructor(redis: Redis, limits: SessionLimits) {
    const ttlMs = Math.ceil(limits.ttlSeconds * 1000)
    this.#redis = redis
    this.#index = new SessionIndex(redis, ttlMs)
    this.#copies = new SessionCopies(redis)
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
    const change: Append = [channel, this.#ttlMs, message, ...this.#caps]
    const { epoch } = this.#copies
    const known = this.#copies.take(key)
    let asked = 0
    const text = await this.#indexed(session, key, (client) => {
      asked += 1
      // Sent on to another node, it asks for the whole: that one may not have heard of the newest changes.
      if (known === undefined || asked > 1) return appendAndGet(client, key, change)
      return client.append([key], ...change, known.header)
    })
    const copy = asked === 1 ? known : undefined
    // The header alone: the copy held.
    const held = copy !== undefined && text.length === HEADER_BYTES
    const snapshot = held
      ? { position: positionOf(text), messages: [...copy.messages, message].slice(-countOf(text)) }
      : snapshotOf(text)
    // Who did not hold a true copy shares the session with other processes. The next one is then fetched as a whole.
    const now = { header: headerOf(text), messages: snapshot.messages }
    if (held || copy === undefined) this.#copies.keep(key, now, epoch)
    return snapshot
  }

  async read(session: SessionRef): Promise<SessionSnapshot> {
    const { key } = sessionKeys(this.#redis.prefix, session)
    return snapshotOf(await this.#redis.commands.call(key, (client) => client.get(key)))
  }

  async clear(session: SessionRef): Promise<void> {
    const { channel, key } = sessionKeys(this.#redis.prefix, session)
    await this.#redis.commands.call(key, (client) => client.clearSession([key], channel, this.#ttlMs))
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

  async seal(session: SessionRef, { chatId, accountId }: SessionSeal): ReturnType<SessionStore['seal']> {
    const { key } = sessionKeys(this.#redis.prefix, session)
    const text = await this.#redis.commands.call(key, (client) =>
      client.sealSession([key], this.#ttlMs, chatId, accountId),
    )
    if (text === '') return undefined
    // It lives longer from now on, and so does its entry.
    await this.#index.renew(session)
    return { seal: sealOf(text), messages: snapshotOf(text).messages }
  }

  async unseal(session: SessionRef, chatId: string): Promise<void> {
    const { key } = sessionKeys(this.#redis.prefix, session)
    await this.#redis.commands.call(key, (client) => client.unsealSession([key], chatId))
  }

  async promoted(session: SessionRef, promoted: Promoted): Promise<void> {
    const { channel, key } = sessionKeys(this.#redis.prefix, session)
    const { chatId, seq } = promoted
    await this.#redis.commands.call(key, (client) =>
      client.tellPromoted([key], this.#ttlMs, channel, promotedText(promoted), chatId, String(seq)),
    )
    await this.#index.renew(session)
  }

  /** Without those that hold no messages: cleared, expired, or not yet written. */
  async #summaries(owner: string, ids: string[]): Promise<SessionSummary[]> {
    const keys = ids.map((id) => sessionKeys(this.#redis.prefix, { owner, id }).key)
    const { commands } = this.#redis
    const headers = await Promise.all(
      keys.map((key) => commands.call(key, (client) => client.getRange(key, 0, HEADER_BYTES - 1))),
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
      const { commands } = this.#redis
      const renewed = due ? this.#index.renew(session) : undefined
      if (!commands.ordered) await renewed
      const [text] = await Promise.all([commands.call(key, append), renewed])
      // Its first message, though this process had it in the index: Redis was emptied, or the session was cleared.
      if (!due && countOf(text) === 1) await this.#index.renew(session)
      return text
    } catch (fault) {
      this.#index.forget(key)
      // A server that can't write now may have become a replica, and may come back with less than it had.
      if (fault instanceof Refusal && fault.reason === 'storage_unavailable') this.#copies.clear()
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
