import type { SessionSeal } from '../../domain/ports.ts'
import { Refusal } from '../../domain/refusal.ts'
import { type SessionRef, sessionChannel } from '../../domain/sessions/events.ts'

/** What the engine keeps for a session and for a message beside the text, roughly. */
const SESSION_BYTES = 512
const MESSAGE_BYTES = 64

export interface Session extends SessionRef {
  position: number
  expiresAt: number
  messages: string[]
  /** Of the messages (UTF-8). */
  bytes: number
  seal?: SessionSeal & { /** Once it was told that the chat is there. */ seq?: number }
}

/** Sessions by who last wrote to them. Nothing runs in the background: what expired goes when something is asked for. */
export class Expiring {
  readonly #ttlMs: number
  readonly #maxBytes: number
  readonly #now: () => number
  /** By channel, the last written at the end. Since all live equally long, the first to expire is at the front. */
  readonly #sessions = new Map<string, Session>()
  readonly #owners = new Map<string, Owned>()
  #bytes = 0
  /** The highest position of a session that is gone: a clock in milliseconds could give it a second time. */
  #lastPosition = 0

  constructor(ttlMs: number, maxBytes: number, now: () => number) {
    this.#ttlMs = ttlMs
    this.#maxBytes = maxBytes
    this.#now = now
  }

  get(ref: SessionRef): Session | undefined {
    this.#removeExpired()
    return this.#sessions.get(sessionChannel(ref))
  }

  /**
   * Makes the session when it is not there, gives it its next position and renews its time to live. Throws
   * `Refusal('session_promoted')` for a sealed one.
   */
  change(ref: SessionRef, write: (session: Session) => void): Session {
    const session = this.get(ref) ?? this.#create(ref)
    if (session.seal !== undefined) throw new Refusal('session_promoted')
    this.#bytes -= sizeOf(session)
    session.position += 1
    write(session)
    this.#bytes += sizeOf(session)
    this.renew(session)
    this.#evict()
    return session
  }

  renew(session: Session): void {
    const channel = sessionChannel(session)
    session.expiresAt = this.#now() + this.#ttlMs
    this.#sessions.delete(channel)
    this.#sessions.set(channel, session)
  }

  /** In the order of their ids: those after `after`. */
  *ownedBy(owner: string, after: string): Generator<Session> {
    this.#removeExpired()
    const owned = this.#owners.get(owner)
    if (owned !== undefined) yield* owned.after(after)
  }

  #create({ owner, id }: SessionRef): Session {
    const position = Math.max(this.#now() * 1000, this.#lastPosition)
    const session: Session = { owner, id, position, expiresAt: 0, messages: [], bytes: 0 }
    const owned = this.#owners.get(owner) ?? new Owned()
    this.#owners.set(owner, owned)
    owned.add(session)
    this.#bytes += sizeOf(session)
    return session
  }

  #remove(channel: string, session: Session): void {
    this.#sessions.delete(channel)
    this.#bytes -= sizeOf(session)
    this.#lastPosition = Math.max(this.#lastPosition, session.position)
    const owned = this.#owners.get(session.owner)
    owned?.remove(session)
    if (owned?.size === 0) this.#owners.delete(session.owner)
  }

  #removeExpired(): void {
    const now = this.#now()
    for (const [channel, session] of this.#sessions) {
      if (session.expiresAt > now) return
      this.#remove(channel, session)
    }
  }

  #evict(): void {
    for (const [channel, session] of this.#sessions) {
      if (this.#bytes <= this.#maxBytes || this.#sessions.size === 1) return
      this.#remove(channel, session)
    }
  }
}

function sizeOf({ id, owner, messages, bytes }: Session): number {
  return SESSION_BYTES + id.length + owner.length + bytes + MESSAGE_BYTES * messages.length
}

/** The sessions of one owner. */
class Owned {
  readonly #sessions = new Map<string, Session>()
  /** In order; sorted again only after one came or went. */
  #sorted: Session[] | undefined

  get size(): number {
    return this.#sessions.size
  }

  add(session: Session): void {
    this.#sessions.set(session.id, session)
    this.#sorted = undefined
  }

  remove(session: Session): void {
    this.#sessions.delete(session.id)
    this.#sorted = undefined
  }

  *after(id: string): Generator<Session> {
    this.#sorted ??= [...this.#sessions.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (let index = firstAfter(this.#sorted, id); index < this.#sorted.length; index += 1) {
      const session = this.#sorted[index]
      if (session !== undefined) yield session
    }
  }
}

function firstAfter(sorted: readonly Session[], id: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle]?.id ?? '') <= id) low = middle + 1
    else high = middle
  }
  return low
}
