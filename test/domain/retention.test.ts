import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { ChatWithMessages } from '../../src/contract/chat-calls.ts'
import { Retention } from '../../src/domain/retention.ts'
import { RetentionStore } from '../../src/domain/retention-store.ts'
import { MemoryBlobs } from '../support/blobs.ts'
import { testDatabases } from '../support/database.ts'
import { upload } from '../support/files.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'
import { signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`what is not wanted any more, on ${kind}`, () => {
    const blobs = new MemoryBlobs()
    const { signal } = new AbortController()
    let people: People
    let retention: Retention
    beforeAll(async () => {
      people = await openPeople(open, { blobs })
      retention = new Retention(new RetentionStore(people.database))
    })
    afterAll(() => people.close())

    const post = (path: string, body: object) =>
      people.ada.call(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    const count = async (table: string, chatId: string) => {
      const { sql } = people.database
      const column = table === 'chats' ? 'id' : 'chat_id'
      return (await sql`SELECT FROM ${sql(table)} WHERE ${sql(column)} = ${chatId}`).length
    }
    const TABLES = ['chats', 'branches', 'messages', 'events', 'answers']
    const rowsOf = async (chatId: string) =>
      Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, await count(table, chatId)])))

    test('a deleted chat goes for good once its time is over, with all that it had, and nothing else does', async () => {
      const { ada, database, server } = people
      const chat = async () => {
        const { id } = ChatWithMessages.parse(await (await post('/api/chats', { title: 'Gone' })).json())
        const own = await upload(ada, 'own.txt', 'own')
        const kept = await upload(ada, 'kept.txt', 'kept')
        await post(`/api/chats/${id}/messages`, { content: 'Look', file_ids: [own.id, kept.id] })
        expect((await ada.call(`/api/files/${own.id}`, { method: 'DELETE' })).status).toBe(204)
        return { id, own: own.id, kept: kept.id }
      }
      const [old, begun, fresh, alive] = [await chat(), await chat(), await chat(), await chat()]
      for (const { id } of [old, begun, fresh]) {
        expect((await ada.call(`/api/chats/${id}`, { method: 'DELETE' })).ok).toBe(true)
      }
      await database.sql`UPDATE chats SET deleted_at = now() - interval '31 days' WHERE id = ${old.id}`
      // Cut off in the middle, as by a kill.
      await database.sql`UPDATE chats SET deleted_at = 'epoch' WHERE id = ${begun.id}`
      await database.sql`DELETE FROM events WHERE chat_id = ${begun.id}`
      // More than one step of messages and events.
      await database.sql`
        INSERT INTO messages (id, chat_id, branch_id, position, seq, sender_type, content)
        SELECT gen_random_uuid(), ${old.id}, ${old.id}, 1000 + n, 1000 + n, 'user', 'x' FROM generate_series(1, 1200) AS n`
      await database.sql`
        INSERT INTO events (chat_id, seq, type, data, at)
        SELECT ${old.id}, 1000 + n, 'message.created', '{}', now() FROM generate_series(1, 1200) AS n`

      expect((await refusalOf(await ada.call(`/api/chats/${begun.id}/restore`, { method: 'POST' }))).reason).toBe(
        'chat_missing',
      )
      const before = await rowsOf(fresh.id)
      expect(await retention.chats(30, signal)).toBe(2)
      const nothing = { chats: 0, branches: 0, messages: 0, events: 0, answers: 0 }
      expect([await rowsOf(old.id), await rowsOf(begun.id)]).toEqual([nothing, nothing])
      expect(await rowsOf(fresh.id)).toEqual(before)
      expect(await retention.chats(30, signal)).toBe(0)

      await server.files.removal.run()
      const left = (of: { own: string; kept: string }) => [blobs.blobs.has(of.own), blobs.blobs.has(of.kept)]
      expect([old, begun, fresh, alive].map(left)).toEqual([
        [false, true],
        [false, true],
        [true, true],
        [true, true],
      ])
      expect((await ada.call(`/api/chats/${fresh.id}/restore`, { method: 'POST' })).status).toBe(200)
    })

    test('logins and refresh tokens go a day after they expired, those that are good stay', async () => {
      const { database, server } = people
      const [gone, stays, going] = [await signUp(server), await signUp(server), await signUp(server)]
      await database.sql`UPDATE logins SET expires_at = now() - interval '2 days' WHERE user_id = ${gone.user.id}`
      await database.sql`UPDATE logins SET expires_at = now() - interval '1 hour' WHERE user_id = ${going.user.id}`
      const [{ id: loginId } = { id: '' }] = await database.sql<{ id: string }[]>`
        SELECT id FROM logins WHERE user_id = ${stays.user.id}`
      // As a login that has been refreshed for months has them.
      await database.sql`
        INSERT INTO refresh_tokens (id, login_id, hash, expires_at, used_at)
        SELECT gen_random_uuid(), ${loginId}, 'hash ' || n, now() - interval '2 days', now() - interval '9 days'
        FROM generate_series(1, 700) AS n`
      expect(await retention.logins(signal)).toBe(701)
      expect(await retention.logins(signal)).toBe(0)
      const loginsOf = async (id: string) => (await database.sql`SELECT FROM logins WHERE user_id = ${id}`).length
      expect([await loginsOf(gone.user.id), await loginsOf(stays.user.id), await loginsOf(going.user.id)]).toEqual([
        0, 1, 1,
      ])
      const refresh = await server.call('/api/auth/refresh', {
        method: 'POST',
        body: JSON.stringify({ refresh_token: stays.refresh_token }),
        headers: { 'content-type': 'application/json' },
      })
      expect(refresh.status).toBe(200)
    })
  })
}
