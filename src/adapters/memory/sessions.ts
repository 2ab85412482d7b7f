import type { SessionPage, SessionSummary } from '../../contract/sessions.ts'
import type { SessionLimits, SessionSnapshot, SessionStore } from '../../domain/ports.ts'
import { type SessionRef, sessionChannel, sessionEvent } from '../../domain/sessions/events.ts'
import type { MemoryBus } from './bus.ts'
import { Expiring, type Session } from './expiring.ts'

const MAX_TOTAL_BYTES = 128 * 1024 * 1024

interface MemorySessionOptions {
  /** Milliseconds since 1970. */
  now?: () => number
  /** Of all sessions together, roughly; past it, the one written to the longest time ago goes first. */
  maxTotalBytes?: number
}

/** The sessions of a single process, gone when it ends. */
export class MemorySessionStore implements SessionStore {
  readonly #bus: MemoryBus
  readonly #limits: SessionLimits
  readonly #sessions: Expiring

  constructor(bus: MemoryBus, limits: SessionLimits, options: MemorySessionOptions = {}) {
    const { now = Date.now, maxTotalBytes = MAX_TOTAL_BYTES } = options
    this.#bus = bus
    this.#limits = limits
    this.#sessions = new Expiring(limits.ttlSeconds * 1000, maxTotalBytes, now)
  }

  async append(ref: SessionRef, message: string): Promise<number> {
    const { position } = this.#push(ref, message)
    await this.#bus.publish(sessionChannel(ref), sessionEvent(position, message))
    return position
  }

  async appendAndRead(ref: SessionRef, message: string): Promise<SessionSnapshot> {
    const snapshot = snapshotOf(this.#push(ref, message))
    await this.#bus.publish(sessionChannel(ref), sessionEvent(snapshot.position, message))
    return snapshot
  }

  async read(ref: SessionRef): Promise<SessionSnapshot> {
    return snapshotOf(this.#sessions.get(ref))
  }

  async clear(ref: SessionRef): Promise<void> {
    const { position } = this.#sessions.change(ref, (session) => {
      session.messages = []
      session.bytes = 0
    })
    await this.#bus.publish(sessionChannel(ref), sessionEvent(position))
  }

  async list(owner: string, { limit, after = '' }: SessionPage): Promise<SessionSummary[]> {
    const page: SessionSummary[] = []
    for (const { id, messages } of this.#sessions.ownedBy(owner, after)) {
      if (messages.length === 0) continue
      page.push({ session_id: id, message_count: messages.length })
      if (page.length === limit) break
    }
    return page
  }

  #push(ref: SessionRef, message: string): Session {
    const { maxMessages, maxBytes } = this.#limits
    return this.#sessions.change(ref, (session) => {
      session.messages.push(message)
      session.bytes += Buffer.byteLength(message)
      while (session.messages.length > 1 && (session.messages.length > maxMessages || session.bytes > maxBytes)) {
        session.bytes -= Buffer.byteLength(session.messages.shift() ?? '')
      }
    })
  }
}

function snapshotOf(session: Session | undefined): SessionSnapshot {
  return session === undefined
    ? { position: 0, messages: [] }
    : { position: session.position, messages: [...session.messages] }
}
