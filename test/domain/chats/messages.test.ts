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
  })
}
