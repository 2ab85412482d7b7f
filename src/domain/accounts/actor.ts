import type { Role } from '../../contract/accounts.ts'

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

/** Sees and changes what belongs to others. */
export function isPrivileged(actor: Actor): boolean {
  return actor.kind === 'service' || actor.role === 'admin'
}

export type AccountActor = Extract<Actor, { kind: 'account' }>
