import type { Bus } from '../ports.ts'
import type { Participant } from './actor.ts'

/** What tokens and sockets may do no more, or not as before: whoever holds something for it looks again. */
export type Revoked = { kind: 'login' | 'account' | 'visitor'; id: string }

const CHANNEL = 'accounts'
/** Announcements kept for a bus that is away. Past it the oldest are left to `RECHECK_MS` of the authenticator. */
const UNSENT_MAX = 10_000

/** Tells every instance of a revocation that was committed: this one at once, the others by the bus. */
export class Revocations {
  readonly #bus: Bus
  readonly #listeners = new Set<(revoked: Revoked) => void>()
  readonly #doubters = new Set<() => void>()
  readonly #unsent = new Set<string>()
  #heard = false
  #attempt = 0
  #end = () => {}

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /** Throws `Refusal('storage_unavailable')` when the bus is away. */
  async start(): Promise<void> {
    await this.#listen()
  }

  stop(): void {
    this.#heard = false
    this.#attempt += 1
    this.#end()
  }

  /** False while a revocation on another instance might not reach this one: nothing remembered counts then. */
  get heard(): boolean {
    return this.#heard
  }

  /** The listener is called synchronously and must not throw; it may be called twice for one revocation. */
  onRevoked(listener: (revoked: Revoked) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Called when revocations may have been missed. */
  onDoubt(listener: () => void): () => void {
    this.#doubters.add(listener)
    return () => this.#doubters.delete(listener)
  }

  /** After the commit. Never fails: what the bus does not take now, it gets when it is back. */
  announce(...revoked: Revoked[]): void {
    for (const one of revoked) {
      this.#tell(one)
      this.#publish(`${one.kind}:${one.id}`)
    }
  }

  #publish(payload: string): void {
    this.#bus.publish(CHANNEL, payload).catch(() => {
      this.#unsent.add(payload)
      const [oldest] = this.#unsent
      if (oldest !== undefined && this.#unsent.size > UNSENT_MAX) this.#unsent.delete(oldest)
    })
  }

  #tell(revoked: Revoked): void {
    for (const listener of this.#listeners) listener(revoked)
  }

  async #listen(): Promise<void> {
    this.#attempt += 1
    const attempt = this.#attempt
    const end = await this.#bus.subscribe(CHANNEL, {
      message: (payload) => {
        const revoked = revokedOf(payload)
        if (revoked) this.#tell(revoked)
      },
      lost: () => this.#lost(),
    })
    if (attempt !== this.#attempt) return end()
    this.#end()
    this.#end = end
    this.#heard = true
    const unsent = [...this.#unsent]
    this.#unsent.clear()
    for (const payload of unsent) this.#publish(payload)
  }

  /** Called as the bus is lost and again when it is back: which of the two it is, a new subscription tells. */
  #lost(): void {
    this.#heard = false
    for (const listener of this.#doubters) listener()
    this.#listen().catch(() => {})
  }
}

function revokedOf(payload: string): Revoked | undefined {
  const [kind = '', ...rest] = payload.split(':')
  // Whoever names a visitor may have used the mark that parts the two.
  return (kind === 'login' || kind === 'account' || kind === 'visitor') && rest.length > 0
    ? { kind, id: rest.join(':') }
    : undefined
}

/** Whether what this one may do has to be looked at again. */
export function concerns({ kind, id }: Revoked, actor: Participant): boolean {
  switch (kind) {
    case 'login':
      return actor.kind === 'account' && actor.loginId === id
    case 'account':
      return actor.kind === 'account' && actor.accountId === id
    case 'visitor':
      return actor.kind === 'visitor' && actor.userId === id
  }
}
