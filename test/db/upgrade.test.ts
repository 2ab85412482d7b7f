import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/open.ts'
import type { Actor } from '../../src/domain/accounts/actor.ts'
import { chatWorld } from '../support/chats.ts'
import { removeTemporaryDirectories, temporaryDirectory, testDatabases } from '../support/database.ts'

setDefaultTimeout(60_000)

const FOLDER = join(import.meta.dir, '../../drizzle')

/**
 * The migrations that databases out there have, by their hashes: what was changed in one of these, those would not get, and
 * would refuse to start. A change is a migration of its own.
 */
const RELEASED = [
  '18dcd9c1676d4f2211162d07f52f36d40fe91595957fd15224af404de5aec453',
  'b5398d7d4e15e46d01f64f2e7ab32e10cc4db82c7d591892501485edb5425511',
  '5550f69b738e94ab223231c5e68f76ec82c255efb450f49681811689944630fc',
]

afterAll(removeTemporaryDirectories)

/** A copy of the migrations with the released ones alone. */
function released(): string {
  const folder = temporaryDirectory()
  cpSync(FOLDER, folder, { recursive: true })
  const file = join(folder, 'meta', '_journal.json')
  const journal = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...journal, entries: journal.entries.slice(0, RELEASED.length) }))
  return folder
}

test('a migration that was released stays as it was', () => {
  expect(readMigrationFiles({ migrationsFolder: released() }).map(({ hash }) => hash)).toEqual(RELEASED)
})

describe.each(testDatabases())('a database of an earlier version: $kind', ({ place }) => {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })

  test('keeps its chats, which go on where they were', async () => {
    const { target, remove } = await place()
    cleanups.push(remove)
    const database = await openDatabase(target)
    cleanups.push(() => database.close())
    await migrate(database, released())

    const ada = { kind: 'account', accountId: Bun.randomUUIDv7(), role: 'user', loginId: null } as const satisfies Actor
    const chatId = Bun.randomUUIDv7()
    const clientId = crypto.randomUUID()
    const first = Bun.randomUUIDv7()
    await database.sql`INSERT INTO users (id, email, username) VALUES (${ada.accountId}, 'ada@example.com', 'ada')`
    await database.sql`
      WITH chat AS (
        INSERT INTO chats (id, title, owner_id, active_branch_id, last_seq) VALUES (${chatId}, 'Old', ${ada.accountId}, ${chatId}, 2))
      INSERT INTO branches (id, chat_id) VALUES (${chatId}, ${chatId})`
    await database.sql`INSERT INTO events (chat_id, seq, type, data, at) VALUES
      (${chatId}, 1, 'chat.created', '{}', now()), (${chatId}, 2, 'branch.created', '{}', now())`
    // As the version of these migrations posted, by its function.
    await database.sql`SELECT * FROM append_messages(
      ARRAY[${chatId}]::uuid[], ARRAY[NULL]::uuid[], ARRAY[${first}]::uuid[], ARRAY['user'], ARRAY[${ada.accountId}],
      ARRAY['before'], ARRAY['completed'], ARRAY['{}'::jsonb], ARRAY[${clientId}]::uuid[], ARRAY[${ada.accountId}]::uuid[],
      ARRAY['user'], ARRAY[NULL]::uuid[], ARRAY['{"content":"before"'], now())`

    await migrate(database)

    const { messages, chats } = await chatWorld({ ...database, target })
    const again = await messages.post(ada, chatId, { content: 'before', client_id: clientId })
    expect(again).toMatchObject({ id: first, position: 1, seq: 3 })
    const { message, number } = await messages.appendNumbered(ada, chatId, {
      content: 'after',
      senderType: 'user',
      senderId: ada.accountId,
    })
    expect(message).toMatchObject({ position: 2, seq: 4 })
    expect(number).toBe(2)
    expect(await chats.list(ada, { skip: 0, limit: 10 })).toMatchObject({
      total: 1,
      items: [{ id: chatId, last_seq: 4 }],
    })
  })
})
