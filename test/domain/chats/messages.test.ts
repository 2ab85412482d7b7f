import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`messages on ${kind}`, () => {
    let world: ChatWorld
    let ada: Actor
    beforeAll(async () => {
      world = await chatWorld(await open())
      ada = await newActor(world.database)
    })
    afterAll(() => world.database.close())

    const newChat = () => world.chats.create(ada, { title: 'Talk' })
    const read = (chatId: string) => world.messages.page(ada, chatId, chatId, { from: 'end', limit: 1000 })

    test('posts of many writers at once get dense positions and seqs, each once', async () => {
      const [one, two] = [await newChat(), await newChat()]
      const posted = await Promise.all(
        Array.from({ length: 200 }, (_, number) =>
          world.messages.post(ada, number % 2 === 0 ? one.id : two.id, { content: `message ${number}` }),
        ),
      )
      for (const chat of [one, two]) {
        const messages = await read(chat.id)
        expect(messages.map(({ position }) => position)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
        expect(messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, index) => index + 3))
        expect(posted.filter(({ chat_id }) => chat_id === chat.id).sort((a, b) => a.position - b.position)).toEqual(
          messages,
        )
        const { events, complete } = await world.log.read(chat.id, 0, 1000)
        expect(complete).toBe(true)
        expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 102 }, (_, index) => index + 1))
      }
    })

    test('the same client_id again is the same message, with other content it is refused', async () => {
      const chat = await newChat()
      const client_id = crypto.randomUUID()
      const posts = await Promise.all(
        Array.from({ length: 10 }, () => world.messages.post(ada, chat.id, { content: 'once', client_id })),
      )
      expect(new Set(posts.map(({ id }) => id)).size).toBe(1)
      expect([await world.messages.post(ada, chat.id, { content: 'once', client_id })]).toEqual(posts.slice(0, 1))
      await expect(world.messages.post(ada, chat.id, { content: 'twice', client_id })).rejects.toThrow(
        expect.objectContaining({ reason: 'client_id_reused' }),
      )
      expect(await read(chat.id)).toHaveLength(1)
    })

    test('one bad post fails alone, the others of its batch are there', async () => {
      const chat = await newChat()
      const outcomes = await Promise.allSettled([
        world.messages.post(ada, chat.id, { content: 'before' }),
        world.messages.post(ada, chat.id, { content: 'lost', branch_id: crypto.randomUUID() }),
        world.messages.post(ada, chat.id, { content: 'a\0b' }),
        world.messages.post(ada, chat.id, { content: 'after' }),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
      expect((await read(chat.id)).map(({ content }) => content).sort()).toEqual(['after', 'before'])
    })

    test('what a deleted message said is read nowhere, not in the log either', async () => {
      const chat = await newChat()
      const kept = await world.messages.post(ada, chat.id, { content: 'kept' })
      const { id } = await world.messages.post(ada, chat.id, { content: 'secret one', metadata: { of: 'secret' } })
      await world.messages.edit(ada, chat.id, id, 'secret two')
      await world.messages.edit(ada, chat.id, id, 'secret three')
      await world.messages.remove(ada, chat.id, id)
      const told = {
        page: await read(chat.id),
        edits: await world.messages.edits(ada, chat.id, id),
        log: (await world.log.read(chat.id, 0, 100)).events,
      }
      expect(JSON.stringify(told)).not.toContain('secret')
      expect(told.page.map(({ content }) => content)).toEqual([kept.content, ''])
      expect(told.log).toHaveLength(7)
    })

    test('a message is edited so often and no more', async () => {
      const chat = await newChat()
      const { id } = await world.messages.post(ada, chat.id, { content: 'edit 0' })
      for (let edit = 1; edit <= 100; edit += 1) await world.messages.edit(ada, chat.id, id, `edit ${edit}`)
      await expect(world.messages.edit(ada, chat.id, id, 'one more')).rejects.toThrow(
        expect.objectContaining({ reason: 'too_many_edits' }),
      )
      expect(await world.messages.edits(ada, chat.id, id)).toHaveLength(100)
    })

    test('an account that lost its role writes as what it was no more', async () => {
      const chat = await newChat()
      const admin = await newActor(world.database, 'admin')
      await world.messages.post(admin, chat.id, { content: 'as an admin' })
      await world.database.sql`UPDATE users SET role = 'user' WHERE id = ${admin.accountId}`
      await expect(world.messages.post(admin, chat.id, { content: 'still?' })).rejects.toThrow(
        expect.objectContaining({ reason: 'token_invalid' }),
      )
      expect((await read(chat.id)).map(({ content }) => content)).toEqual(['as an admin'])
    })

    test('the parts of a history say where the others are, at its ends and beyond', async () => {
      const chat = await newChat()
      for (const content of ['1', '2', '3', '4', '5']) await world.messages.post(ada, chat.id, { content })
      const part = async (query: Parameters<typeof world.reader.history>[3]) => {
        const { items, previous, next } = await world.reader.history(ada, chat.id, chat.id, query)
        return [items.map(({ position }) => position), previous, next]
      }
      expect(await part({ limit: 2 })).toEqual([[4, 5], 4, null])
      expect(await part({ limit: 2, before: 4 })).toEqual([[2, 3], 2, 3])
      expect(await part({ limit: 2, before: 99 })).toEqual([[4, 5], 4, null])
      expect(await part({ limit: 2, before: 1 })).toEqual([[], null, 0])
      expect(await part({ limit: 2, after: 0 })).toEqual([[1, 2], null, 2])
      expect(await part({ limit: 2, after: 3 })).toEqual([[4, 5], 4, null])
      expect(await part({ limit: 2, after: 99 })).toEqual([[], 6, null])
      expect(await part({ limit: 3, around: 5 })).toEqual([[4, 5], 4, null])
    })
  })
}
