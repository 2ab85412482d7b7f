import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { testDatabases } from '../support/database.ts'
import { LiveClient } from '../support/live.ts'
import { openPeople, type People } from '../support/people.ts'

setDefaultTimeout(60_000)

const POSTS = 120
const batches = true

for (const { kind, open } of testDatabases()) {
  describe(`a chat that is watched in batches on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const newChat = async () => {
      const { data } = await people.ada.client.api.chats.post({ title: 'Busy' })
      if (data === null) throw new Error('no chat')
      return data.id
    }
    const connect = () => LiveClient.open(people.server.ws, people.ada)
    /** Resolves to the seqs of all, once they are stored. */
    const postMany = async (chatId: string) => {
      const posts = Array.from({ length: POSTS }, (_, number) =>
        people.ada.send(`/api/chats/${chatId}/messages`, { content: String(number) }),
      )
      await Promise.all(posts)
    }
    const seqs = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

    test('is told in fewer frames, each event once and in order; who did not ask for it has a frame for each', async () => {
      const chatId = await newChat()
      const [together, apart] = [await connect(), await connect()]
      await together.watch(chatId, undefined, { batches })
      await apart.watch(chatId)
      await postMany(chatId)
      const [one, other] = [await together.events(POSTS), await apart.events(POSTS)]
      expect(one).toEqual(other)
      expect(one.map(({ seq }) => seq)).toEqual(seqs(3, POSTS))
      expect(together.batches.length).toBeGreaterThan(0)
      expect(together.batches.length).toBeLessThan(POSTS / 2)
      expect(apart.batches).toEqual([])
      await together.close()
      await apart.close()
    })

    test('tells those who join, leave and join again meanwhile each event once', async () => {
      const chatId = await newChat()
      const clients = await Promise.all(Array.from({ length: 10 }, connect))
      const watching = clients.map(async (client, index) => {
        let last = 2
        for (let turn = 0; turn < 6; turn += 1) {
          const { seq, recovered } = await client.watch(chatId, last, { batches: (turn + index) % 3 > 0 })
          expect({ seq, recovered }).toEqual({ seq: last, recovered: true })
          const events = await client.events(Math.min(20, POSTS + 2 - last))
          expect(events.map((event) => event.seq)).toEqual(seqs(last + 1, events.length))
          last += events.length
          await client.ask({ type: 'unwatch', chat_id: chatId })
          // What was on its way is told no more, and is told again when asked for.
          client.forget()
        }
        expect(last).toBe(POSTS + 2)
        await client.close()
      })
      await Promise.all([postMany(chatId), ...watching])
    })
  })
}
