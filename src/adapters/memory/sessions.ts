import type { SessionPage, SessionSummary } from '../../contract/sessions.ts'
import type { SessionLimits, SessionSeal, SessionSnapshot, SessionStore } from '../../domain/ports.ts'
import {
  type Promoted,
  promotedText,
  type SessionRef,
  sessionChannel,
  sessionEvent,
} from '../../domain/sessions/events.ts'
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

  async seal(ref: SessionRef, { chatId, accountId }: SessionSeal): ReturnType<SessionStore['seal']> {
    const session = this.#sessions.get(ref)
    if (session === undefined || session.messages.length === 0) return undefined
    if (session.seal === undefined) {
      session.seal = { chatId, accountId }
      this.#sessions.renew(session)
    }
    const { seal, messages } = session
    return { seal: { chatId: seal.chatId, accountId: seal.accountId }, messages: [...messages] }
  }

  async unseal(ref: SessionRef, chatId: string): Promise<void> {
    const session = this.#sessions.get(ref)
    if (session?.seal?.chatId === chatId && session.seal.seq === undefined) delete session.seal
  }

  async promoted(ref: SessionRef, promoted: Promoted): Promise<void> {
    const session = this.#sessions.get(ref)
    if (session?.seal?.chatId !== promoted.chatId || session.seal.seq !== undefined) return
    session.seal.seq = promoted.seq
    session.position += 1
    this.#sessions.renew(session)
    await this.#bus.publish(sessionChannel(ref), sessionEvent(session.position, promotedText(promoted)))
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
  if (session === undefined) return { position: 0, messages: [] }
  const { position, messages, seal } = session
  const snapshot = { position, messages: [...messages] }
  return seal?.seq === undefined ? snapshot : { ...snapshot, promoted: { chatId: seal.chatId, seq: seal.seq } }
}
