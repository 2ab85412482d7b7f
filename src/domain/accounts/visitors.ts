import { type NewVisitor, VISITOR_SECONDS, type VisitorToken } from '../../contract/visitors.ts'
import { Refusal } from '../refusal.ts'
import type { Actor } from './actor.ts'
import type { VisitorTokens } from './ports.ts'
import type { Revocations } from './revocations.ts'
import type { VisitorStore } from './visitor-store.ts'

/** Customers without an account, for whom a back end with the service key vouches. */
export class Visitors {
  readonly #tokens: VisitorTokens
  readonly #store: VisitorStore
  readonly #revocations: Revocations

  constructor(parts: { tokens: VisitorTokens; store: VisitorStore; revocations: Revocations }) {
    this.#tokens = parts.tokens
    this.#store = parts.store
    this.#revocations = parts.revocations
  }

  /** Throws `Refusal('service_needed')`. */
  async admit(actor: Actor, { user_id, name = null, metadata = {}, expires_in }: NewVisitor): Promise<VisitorToken> {
    assertService(actor)
    const generation = await this.#store.generation()
    // Whole seconds, as the token has it.
    const expiresAt = (Math.floor(Date.now() / 1000) + (expires_in ?? VISITOR_SECONDS.usual)) * 1000
    const token = await this.#tokens.sign({
      visitor: { kind: 'visitor', userId: user_id, name, metadata, generation },
      expiresAt,
    })
    return { token, token_type: 'bearer', expires_at: new Date(expiresAt).toISOString(), user_id, name, metadata }
  }

  /** Ends all tokens of the visitor, and what is open on them. Throws `Refusal('service_needed')`. */
  async dismiss(actor: Actor, userId: string): Promise<void> {
    assertService(actor)
    await this.#store.revoke(userId)
    this.#revocations.announce({ kind: 'visitor', id: userId })
  }
}

function assertService(actor: Actor): void {
  if (actor.kind !== 'service') throw new Refusal('service_needed')
}
