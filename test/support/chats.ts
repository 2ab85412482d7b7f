import { MemoryAnswerBuffer } from '../../src/adapters/memory/answers.ts'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { type ChatServices, openChats } from '../../src/chat-services.ts'
import { users } from '../../src/db/schema.ts'
import type { Actor } from '../../src/domain/accounts/actor.ts'
import type { Bus } from '../../src/domain/ports.ts'
import type { OpenedDatabase } from './database.ts'

export type ChatWorld = ChatServices & { database: OpenedDatabase; bus: Bus }

/** The chat services over a test database. */
export async function chatWorld(database: OpenedDatabase, bus: Bus = new MemoryBus()): Promise<ChatWorld> {
  const buffer = new MemoryAnswerBuffer(new MemoryBus())
  return { ...(await openChats(database, bus, buffer)), database, bus }
}

/** A new account, signed in from outside: no login stands behind it. */
export async function newActor(database: OpenedDatabase, role: 'user' | 'agent' | 'admin' = 'user') {
  const id = Bun.randomUUIDv7()
  await database.orm.insert(users).values({ id, email: `${id}@example.com`, username: id, role })
  return { kind: 'account', accountId: id, role, loginId: null } as const satisfies Actor
}
