import { type SQL, sql } from 'drizzle-orm'
import type { Within } from '../../db/deadline.ts'
import { codeOf } from '../../db/fault.ts'
import type { Database } from '../../db/open.ts'
import { Refusal } from '../refusal.ts'
import type { Participant } from './actor.ts'

export type Transaction = Parameters<Parameters<Database['orm']['transaction']>[0]>[0]

/**
 * For writes: throws `Refusal('token_invalid')` where the actor was revoked or lost its role, on any instance, whatever
 * this one remembers of it. In the write's own transaction.
 */
export async function assertStanding(transaction: Transaction, actor: Participant): Promise<void> {
  if (actor.kind === 'service') return
  const [row] = await transaction.execute<{ stands: boolean }>(sql`SELECT ${standing(actor)} AS stands`)
  if (!row?.stands) throw new Refusal('token_invalid')
}

function standing(actor: Exclude<Participant, { kind: 'service' }>): SQL {
  if (actor.kind === 'visitor') {
    const { userId, generation } = actor
    return sql`NOT EXISTS (SELECT FROM visitor_revocations WHERE user_id = ${userId} AND generation > ${generation})`
  }
  const { accountId, loginId, role } = actor
  return sql`EXISTS (SELECT FROM users WHERE id = ${accountId} AND is_active AND role = ${role})
    AND (${loginId}::uuid IS NULL OR EXISTS (SELECT FROM logins WHERE id = ${loginId} AND revoked_at IS NULL))`
}

/** `database.within`, where a name that is taken is a refusal. */
export function accountWithin(database: Database): Within {
  return async (work) => {
    try {
      return await database.within(work)
    } catch (fault) {
      throw thrownFor(fault)
    }
  }
}

function thrownFor(fault: unknown): unknown {
  if (codeOf(fault) !== '23505' || !(fault instanceof Error && 'constraint_name' in fault)) return fault
  switch (fault.constraint_name) {
    case 'users_email_key':
      return new Refusal('email_taken')
    case 'users_username_key':
      return new Refusal('username_taken')
    default:
      return fault
  }
}
