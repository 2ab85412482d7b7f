import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { TransactionSql } from 'postgres'
import type { Actor, Participant } from '../../../src/domain/accounts/actor.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'
import { anotherInstance, reasonOf, signedInActor } from './appending.ts'

setDefaultTimeout(60_000)

const service: Actor = { kind: 'service' }

for (const { kind, open } of testDatabases()) {
  describe(`posting on ${kind}`, () => {
    let world: ChatWorld
    let other: ChatWorld & { close(): Promise<void> }
    let ada: Actor
    beforeAll(async () => {
      const database = await open()
      world = await chatWorld(database)
      other = await anotherInstance(database)
      ada = await newActor(database)
    })
    afterAll(async () => {
      await other.close()
      await world.database.close()
    })

    const newChat = async () => (await world.chats.create(ada, { title: 'Talk' })).id
    /** A chat of ada's with a customer who has no account. */
    const newSession = async (customer: string) => {
      const id = await newChat()
      await world.database.sql`UPDATE chats SET customer_id = ${customer}, handling = 'people' WHERE id = ${id}`
      return id
    }
    const visitor = (userId: string) => ({ kind: 'visitor', userId, name: null, metadata: {}, generation: 0 }) as const
    const post = (chatId: string, content = 'hello', more: { client_id?: string; branch_id?: string } = {}) =>
      world.messages.post(ada, chatId, { content, ...more })
    const stored = async (chatId: string) => {
      const { events } = await world.log.read(chatId, 0, 1000)
      const [row] = await world.database.sql<{ messages: number; last_seq: number; head: number }[]>`
        SELECT (SELECT count(*)::int FROM messages WHERE chat_id = ${chatId}) AS messages, last_seq::int, head
        FROM chats JOIN branches USING (id) WHERE chats.id = ${chatId}`
      return { ...row, events: events.length }
    }
    const nothing = { messages: 0, last_seq: 2, head: 0, events: 2 }

    test('ends with the login that the token came from', async () => {
      const actor = await signedInActor(world.database)
      const { id } = await world.chats.create(actor, { title: 'Mine' })
      await world.messages.post(actor, id, { content: 'before' })
      await world.database.sql`UPDATE logins SET revoked_at = now() WHERE id = ${actor.loginId}`
      expect(await reasonOf(world.messages.post(actor, id, { content: 'after' }))).toBe('token_invalid')
      expect(await reasonOf(world.chats.update(actor, id, { title: 'after' }))).toBe('token_invalid')
      expect(await reasonOf(world.chats.create(actor, { title: 'after' }))).toBe('token_invalid')
      expect(await stored(id)).toEqual({ messages: 1, last_seq: 3, head: 1, events: 3 })
    })

    test('ends when the account is deactivated', async () => {
      const actor = await newActor(world.database)
      const { id } = await world.chats.create(actor, { title: 'Mine' })
      await world.database.sql`UPDATE users SET is_active = false WHERE id = ${actor.accountId}`
      expect(await reasonOf(world.messages.post(actor, id, { content: 'after' }))).toBe('token_invalid')
      expect(await reasonOf(world.chats.update(actor, id, { title: 'after' }))).toBe('token_invalid')
      expect(await stored(id)).toEqual(nothing)
    })

    test('ends for a visitor who was dismissed, and for nobody else who posts at this moment', async () => {
      const [id, elsewhere] = [await newSession('gone'), await newSession('stays')]
      await world.messages.post(visitor('gone'), id, { content: 'before' })
      await world.database.sql`INSERT INTO visitor_revocations (user_id) VALUES ('gone')`
      const late = { content: 'after' }
      expect(await reasonOf(world.messages.post(visitor('gone'), id, late))).toBe('token_invalid')
      const posts = [
        world.messages.post(visitor('stays'), elsewhere, late),
        world.messages.post(visitor('gone'), id, late),
        world.messages.post(ada, elsewhere, { ...late, branch_id: elsewhere }),
        world.messages.post({ ...visitor('gone'), generation: 1_000_000 }, id, late),
      ]
      expect(await Promise.all(posts.map(reasonOf))).toEqual(['done', 'token_invalid', 'done', 'done'])
      expect(await stored(id)).toEqual({ messages: 2, last_seq: 4, head: 2, events: 4 })
      expect(await stored(elsewhere)).toEqual({ messages: 2, last_seq: 4, head: 2, events: 4 })
    })

    test('to a chat that another instance deleted is refused, though this one knew the chat', async () => {
      const id = await newChat()
      await world.chats.get(ada, id)
      await other.chats.remove(ada, id)
      expect(await reasonOf(post(id))).toBe('chat_missing')
      await other.chats.restore(ada, id)
      expect(await reasonOf(post(id))).toBe('done')
    })

    test('to a branch of another chat, or of none, is refused', async () => {
      const [id, elsewhere] = [await newChat(), await newChat()]
      expect(await reasonOf(post(id, 'x', { branch_id: elsewhere }))).toBe('branch_missing')
      expect(await reasonOf(post(id, 'x', { branch_id: Bun.randomUUIDv7() }))).toBe('branch_missing')
      expect(await stored(id)).toEqual(nothing)
      expect(await stored(elsewhere)).toEqual(nothing)
    })

    test('to an archived chat is refused, and so is any other change but taking it out', async () => {
      const id = await newChat()
      const client_id = crypto.randomUUID()
      const message = await post(id, 'first', { client_id })
      await world.chats.update(ada, id, { archived: true })
      const refused = [
        post(id),
        world.messages.edit(ada, id, message.id, 'x'),
        world.messages.remove(ada, id, message.id),
        world.messages.react(ada, id, message.id, 'like'),
        world.messages.unreact(ada, id, message.id, 'like'),
        world.branches.create(ada, id, { messageId: message.id }),
        world.branches.diverge(ada, id, message.id, { content: 'x' }),
        world.branches.rename(ada, id, id, 'x'),
        world.branches.activate(ada, id, id),
      ].map(reasonOf)
      expect(await Promise.all(refused)).toEqual(Array(refused.length).fill('chat_archived'))
      expect(await post(id, 'first', { client_id })).toEqual(message)
      expect(await stored(id)).toEqual({ messages: 1, last_seq: 4, head: 1, events: 4 })
      await world.chats.update(ada, id, { archived: false })
      expect(await reasonOf(post(id))).toBe('done')
    })

    test('the same client_id of another sender, or with other content, is refused', async () => {
      const id = await newChat()
      const client_id = crypto.randomUUID()
      await post(id, 'mine', { client_id })
      expect(await reasonOf(world.messages.post(service, id, { content: 'mine', client_id }))).toBe('client_id_reused')
      expect(await reasonOf(post(id, 'other', { client_id }))).toBe('client_id_reused')
      const elsewhere = await newChat()
      expect(await reasonOf(post(elsewhere, 'other', { client_id }))).toBe('done')
    })

    test('again after the message was edited or deleted finds it, by what it said first', async () => {
      const id = await newChat()
      const client_id = crypto.randomUUID()
      const first = await post(id, 'first', { client_id })
      await world.messages.edit(ada, id, first.id, 'second')
      const edited = await world.messages.edit(ada, id, first.id, 'third')
      expect(await post(id, 'first', { client_id })).toEqual(edited)
      expect(await reasonOf(post(id, 'third', { client_id }))).toBe('client_id_reused')
      await world.messages.remove(ada, id, first.id)
      expect(await post(id, 'first', { client_id })).toMatchObject({ id: first.id, content: '' })
      expect(await stored(id)).toEqual({ messages: 1, last_seq: 6, head: 1, events: 6 })
    })

    test('of a batch in which the first with a client_id is refused, the next with it is written', async () => {
      const id = await newChat()
      const client_id = crypto.randomUUID()
      // Now the chat's owner is known, and the posts arrive in their order.
      await world.chats.get(ada, id)
      const posts = [
        post(id, 'same', { client_id, branch_id: Bun.randomUUIDv7() }),
        post(id, 'same', { client_id }),
        post(id, 'other', { client_id }),
        post(id, 'same', { client_id }),
      ]
      expect(await Promise.all(posts.map(reasonOf))).toEqual(['branch_missing', 'done', 'client_id_reused', 'done'])
      expect(await stored(id)).toEqual({ messages: 1, last_seq: 3, head: 1, events: 3 })
    })

    test('the same client_ids at two instances at once are stored once', async () => {
      const id = await newChat()
      const clients = Array.from({ length: 40 }, () => crypto.randomUUID())
      const posted = await Promise.all(
        [world, other, other, world].flatMap(({ messages }) =>
          clients.map((client_id) => messages.post(ada, id, { content: client_id, client_id })),
        ),
      )
      expect(new Set(posted.map((message) => message.id)).size).toBe(40)
      expect(posted.every(({ content, client_id }) => content === client_id)).toBe(true)
      expect(await stored(id)).toEqual({ messages: 40, last_seq: 42, head: 40, events: 42 })
    })

    test('two instances that write to the same chats at once neither block nor skip a place', async () => {
      const ids = [await newChat(), await newChat(), await newChat()]
      const posts = Array.from({ length: 240 }, (_, number) => {
        const { messages } = number % 2 === 0 ? world : other
        return messages.post(ada, ids[number % 3] ?? '', { content: `${number}` })
      })
      await Promise.all(posts)
      for (const id of ids) expect(await stored(id)).toEqual({ messages: 80, last_seq: 82, head: 80, events: 82 })
    })

    test('that races with deleting or archiving the chat is whole or not there', async () => {
      const last = [
        (id: string) => other.chats.remove(ada, id),
        (id: string) => other.chats.update(ada, id, { archived: true }),
      ]
      for (const end of last) {
        const id = await newChat()
        const posts = Array.from({ length: 30 }, (_, number) => reasonOf(post(id, `${number}`)))
        const [outcomes] = await Promise.all([Promise.all(posts), end(id)])
        const written = outcomes.filter((outcome) => outcome === 'done').length
        const messages = await stored(id)
        expect(messages).toEqual({ messages: written, last_seq: 3 + written, head: written, events: 3 + written })
        const { events } = await world.log.read(id, 0, 100)
        expect(events.at(-1)?.type).toMatch(/^chat\.(deleted|updated)$/)
      }
    })

    // Embedded there is one connection, on which nothing ever waits for another.
    const waiting = () => {
      /** Does something in a transaction that holds the chat, once the post waits for it. Resolves to the post's end. */
      const heldUp = async (actor: Participant, id: string, meanwhile: (sql: TransactionSql) => Promise<unknown>) => {
        const { posted } = await world.database.sql.begin(async (sql) => {
          await sql`SELECT FROM chats WHERE id = ${id} FOR UPDATE`
          const posted = reasonOf(world.messages.post(actor, id, { content: 'late' }))
          while (!(await waits())) await Bun.sleep(5)
          await meanwhile(sql)
          return { posted }
        })
        return posted
      }
      const waits = async () => {
        const waiting = await other.database.sql`
          SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'
            AND (query LIKE '%append%' OR query LIKE '%FROM chats%')`
        return waiting.length > 0
      }

      test('its branch may be a new one', async () => {
        const id = await newChat()
        const root = await post(id, 'root')
        const branch = Bun.randomUUIDv7()
        const outcome = await heldUp(ada, id, async (sql) => {
          await sql`INSERT INTO branches (id, chat_id, parent_branch_id, fork_branch_id, fork_position, head)
            VALUES (${branch}, ${id}, ${id}, ${id}, ${root.position}, ${root.position})`
          await sql`UPDATE chats SET active_branch_id = ${branch} WHERE id = ${id}`
        })
        expect(outcome).toBe('done')
        const [late] = await world.database.sql`
          SELECT branch_id, position, seq::int FROM messages WHERE chat_id = ${id} AND content = 'late'`
        expect(late).toEqual({ branch_id: branch, position: root.position + 1, seq: root.seq + 1 })
        expect(await stored(id)).toMatchObject({ messages: 2, last_seq: root.seq + 1 })
      })

      test('its login may be revoked', async () => {
        const actor = await signedInActor(world.database)
        const { id } = await world.chats.create(actor, { title: 'Mine' })
        const outcome = await heldUp(actor, id, async () => {
          await other.database.sql`UPDATE logins SET revoked_at = now() WHERE id = ${actor.loginId}`
        })
        expect(outcome).toBe('token_invalid')
        expect(await stored(id)).toEqual(nothing)
      })

      test('its visitor may be dismissed', async () => {
        const id = await newSession('late')
        const outcome = await heldUp(visitor('late'), id, async () => {
          await other.database.sql`INSERT INTO visitor_revocations (user_id) VALUES ('late')`
        })
        expect(outcome).toBe('token_invalid')
        expect(await stored(id)).toEqual(nothing)
      })

      test('the same may be posted by another instance', async () => {
        const id = await newChat()
        const client_id = crypto.randomUUID()
        const both: Promise<string>[] = []
        await heldUp(ada, id, async () => {
          for (const { messages } of [world, other])
            both.push(reasonOf(messages.post(ada, id, { content: 'same', client_id })))
        })
        expect(await Promise.all(both)).toEqual(['done', 'done'])
        expect(await stored(id)).toEqual({ messages: 2, last_seq: 4, head: 2, events: 4 })
      })
    }
    if (kind === 'postgres') describe('while it waits for its chat', waiting)

    test('is undone with its chat, however that is deleted', async () => {
      const [id, kept] = [await newChat(), await newChat()]
      const root = await post(id)
      await world.branches.diverge(ada, id, root.id, { content: 'another' })
      await post(kept)
      await world.database.sql`DELETE FROM chats WHERE id = ${id}`
      const left = await world.database.sql`SELECT chat_id FROM messages WHERE chat_id IN (${id}, ${kept})`
      expect([...left]).toEqual([{ chat_id: kept }])
    })

    test('to an archived chat is refused alone, of all that come at this moment', async () => {
      const [id, archived] = [await newChat(), await newChat()]
      await world.chats.update(ada, archived, { archived: true })
      const client_id = crypto.randomUUID()
      const first = await post(id, 'first', { client_id })
      const posts = [post(id, 'a'), post(archived, 'b'), post(id, 'first', { client_id }), post(id, 'c')]
      const [a, b, again, c] = await Promise.allSettled(posts)
      expect(a).toMatchObject({ status: 'fulfilled', value: { seq: first.seq + 1 } })
      expect(b).toMatchObject({ status: 'rejected', reason: { reason: 'chat_archived' } })
      expect(again).toMatchObject({ status: 'fulfilled', value: { id: first.id } })
      expect(c).toMatchObject({ status: 'fulfilled', value: { seq: first.seq + 2 } })
      expect(await stored(id)).toEqual({ messages: 3, last_seq: 5, head: 3, events: 5 })
    })

    test('gives messages numbers that grow with the seq, and tells them in the log', async () => {
      const id = await newChat()
      const [first] = await Promise.all([post(id, '1'), post(id, '2')])
      const { branch } = await world.branches.diverge(ada, id, first.id, { content: '1b' })
      await Promise.all(
        ['3', '4', '5', '6'].map((text, index) => post(id, text, { branch_id: index % 2 ? id : branch.id })),
      )
      const rows = await world.database.sql<{ id: string; number: number }[]>`
        SELECT id, number::int FROM messages WHERE chat_id = ${id} ORDER BY seq`
      const numbers = rows.map(({ number }) => number)
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
      const { events } = await world.log.read(id, 0, 100)
      const told = events.filter(({ type }) => type === 'message.created').map(({ data }) => JSON.parse(data))
      expect(told.map(({ id, number }) => ({ id, number }))).toEqual([...rows])
    })

    test('that names no branch goes to the one that is active as it is written', async () => {
      const id = await newChat()
      const root = await post(id, 'root')
      const branch = await world.branches.create(ada, id, { messageId: root.id })
      await Promise.all([
        other.branches.activate(ada, id, branch.id),
        ...Array.from({ length: 30 }, (_, number) => post(id, `${number}`)),
      ])
      let active = id
      const { events } = await world.log.read(id, 4, 1000)
      for (const { type, data } of events) {
        const { branch_id } = JSON.parse(data)
        if (type === 'branch.activated') active = branch_id
        else expect(branch_id).toBe(active)
      }
      expect(active).toBe(branch.id)
      expect(events).toHaveLength(31)
    })
  })
}
