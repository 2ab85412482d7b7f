import { MemoryBus } from '../../../src/adapters/memory/bus.ts'
import type { Reason } from '../../../src/contract/failures.ts'
import { type Database, openDatabase } from '../../../src/db/open.ts'
import { logins, users } from '../../../src/db/schema.ts'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import { Refusal } from '../../../src/domain/refusal.ts'
import { type ChatWorld, chatWorld } from '../../support/chats.ts'
import type { OpenedDatabase } from '../../support/database.ts'

/** The reason of a refusal; anything else that is thrown is a fault of ours. */
export async function reasonOf(work: Promise<unknown>): Promise<Reason | 'done'> {
  try {
    await work
    return 'done'
  } catch (fault) {
    if (fault instanceof Refusal) return fault.reason
    throw fault
  }
}

/** An account that signed in here, so that its login can be ended. */
export async function signedInActor(database: Database): Promise<Actor & { kind: 'account'; loginId: string }> {
  const [id, loginId] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()]
  await database.orm.insert(users).values({ id, email: `${id}@example.com`, username: id })
  await database.orm.insert(logins).values({ id: loginId, user_id: id, expires_at: '2100-01-01T00:00:00Z' })
  return { kind: 'account', accountId: id, role: 'user', loginId }
}

/**
 * Another instance on the same database: with connections of its own where it is a server, over the one connection that
 * there is where it is embedded.
 */
export async function anotherInstance(
  database: OpenedDatabase,
  bus = new MemoryBus(),
): Promise<ChatWorld & { close(): Promise<void> }> {
  if (database.target.kind === 'embedded') return { ...(await chatWorld(database, bus)), close: async () => {} }
  const own = await openDatabase(database.target)
  const world = await chatWorld({ ...own, target: database.target }, bus)
  return { ...world, close: () => own.close() }
}
