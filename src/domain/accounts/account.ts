import type { Account, BranchingAccount } from '../../contract/accounts.ts'
import { Refusal } from '../refusal.ts'
import type { AccountRow } from './account-store.ts'
import type { Actor } from './actor.ts'

export function accountOf(row: AccountRow): Account {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    full_name: row.full_name,
    role: row.role,
    is_active: row.is_active,
    is_admin: row.role === 'admin',
    created_at: new Date(row.created_at).toISOString(),
    updated_at: new Date(row.updated_at).toISOString(),
  }
}

export function branchingAccountOf({ id, email, username, is_active, is_admin }: Account): BranchingAccount {
  return { id, email, username, is_active, is_superuser: is_admin }
}

/** Throws `Refusal('forbidden')` for a back end that acts for nobody: it has no account. */
export function accountIdOf(actor: Actor): string {
  if (actor.kind === 'service') throw new Refusal('forbidden')
  return actor.accountId
}
