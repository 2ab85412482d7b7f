import type { Role } from '../../contract/accounts.ts'
import type { Metadata } from '../../contract/chats.ts'

/** On whose behalf a call is made, as its token was verified. */
export type Actor =
  | {
      kind: 'account'
      accountId: string
      role: Role
      /** The sign-in that its token came from; `null` for a token of an external issuer. */
      loginId: string | null
    }
  /** A trusted back end with the service key. */
  | { kind: 'service' }

export type AccountActor = Extract<Actor, { kind: 'account' }>

/**
 * A customer without an account, as the embedding product's back end vouches for: whoever it is there, here it is only a
 * customer of support.
 */
export type Visitor = {
  kind: 'visitor'
  /** The embedding product's own word for the person. */
  userId: string
  name: string | null
  metadata: Metadata
  /** How many revocations there had been when its token was made: see `VisitorStore`. */
  generation: number
}

/** Who may take part in a conversation. What takes an `Actor` alone is closed to visitors, which the compiler sees to. */
export type Participant = Actor | Visitor

/** Sees and changes what belongs to others. */
export function isPrivileged(actor: Participant): boolean {
  return actor.kind === 'service' || (actor.kind === 'account' && actor.role === 'admin')
}
