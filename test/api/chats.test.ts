import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createClient } from '../../client/src/client.ts'
import { unwrap } from '../../client/src/errors.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'
import { signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/)
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

for (const { kind, open } of testDatabases()) {
  describe(`the Chats API on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const chats = (who: 'ada' | 'bob' = 'ada') => people[who].client.api.chats
    const newChat = async (title = 'Trip') => (await unwrap(chats().post({ title }))).id
    const say = (chat_id: string, content: string) => unwrap(chats()({ chat_id }).messages.post({ content }))

    test('a chat is made, and read with its messages', async () => {
      const made = await chats().post({ title: ' Trip ' })
      expect(made.status).toBe(201)
      const chat_id = made.data?.id ?? ''
      expect({ ...made.data }).toMatchObject({
        id: uuid,
        title: 'Trip',
        user_id: people.ada.user.id,
        created_at: time,
        updated_at: time,
        messages: [],
      })
      const posted = await chats()({ chat_id }).messages.post({ content: 'Hello', file_ids: [] })
      expect(posted.status).toBe(200)
      expect({ ...posted.data }).toMatchObject({
        id: uuid,
        chat_id,
        content: 'Hello',
        message_type: 'user',
        status: 'completed',
        created_at: time,
        updated_at: time,
        sources: [],
        files: [],
        reactions: [],
      })
      const read = await unwrap(chats()({ chat_id }).get())
      expect(read.messages).toEqual(posted.data === null ? [] : [posted.data])
    })

    test('the list is of the account alone, by the last change, in pages', async () => {
      const { access_token: token } = await signUp(people.server, 'carol')
      const carol = createClient(people.server.url, { token }).api.chats
      const ids: string[] = []
      for (const title of ['one', 'two', 'three']) ids.push((await unwrap(carol.post({ title }))).id)
      await unwrap(carol({ chat_id: ids[0] ?? '' }).messages.post({ content: 'up' }))
      const page = await unwrap(carol.get())
      expect(page.items.map(({ title }) => title)).toEqual(['one', 'three', 'two'])
      expect(page.items[0]?.messages).toEqual([])
      expect(page.total).toBe(3)
      const second = await unwrap(carol.get({ query: { skip: 1, limit: 1 } }))
      expect(second.items.map(({ title }) => title)).toEqual(['three'])
      expect(second.total).toBe(3)
      expect((await unwrap(carol.get({ query: { skip: 3 } }))).items).toEqual([])
      await unwrap(carol({ chat_id: ids[1] ?? '' }).patch({ archived: true }))
      expect((await unwrap(carol.get())).total).toBe(2)
      expect((await unwrap(carol.get({ query: { archived: true } }))).items.map(({ title }) => title)).toEqual(['two'])
    })

    test('messages are read in pages of the active branch, and the newest with the chat', async () => {
      const chat_id = await newChat()
      for (let number = 1; number <= 105; number += 1) await say(chat_id, `message ${number}`)
      const { messages } = chats()({ chat_id })
      const page = await unwrap(messages.get({ query: { skip: 2, limit: 3 } }))
      expect(page.items.map(({ content }) => content)).toEqual(['message 3', 'message 4', 'message 5'])
      expect(page.total).toBe(105)
      expect((await unwrap(messages.get())).items).toHaveLength(100)
      expect((await unwrap(messages.get({ query: { skip: 105 } }))).items).toEqual([])
      const { messages: newest } = await unwrap(chats()({ chat_id }).get())
      expect(newest.map(({ content }) => content)).toEqual(
        Array.from({ length: 100 }, (_, index) => `message ${index + 6}`),
      )
      const third = page.items[0]?.id ?? ''
      const { branch } = await unwrap(messages({ message_id: third }).divergence.post({ content: 'another 3' }))
      const after = await unwrap(messages.get({ query: { skip: 1 } }))
      expect(after.items.map(({ content }) => content)).toEqual(['message 2', 'another 3'])
      expect(after.total).toBe(3)
      expect((await say(chat_id, 'goes on')).branch_id).toBe(branch.id)
    })

    test('like and dislike replace each other', async () => {
      const chat_id = await newChat()
      const { id: message_id } = await say(chat_id, 'Hello')
      const message = chats()({ chat_id }).messages({ message_id })
      for (const reaction_type of ['like', 'dislike', 'dislike'] as const) {
        expect(await unwrap(message.reaction.post({ reaction_type }))).toEqual({ status: 'success' })
      }
      const { reactions } = await unwrap(message.get())
      expect(reactions).toEqual([{ user_id: people.ada.user.id, reaction_type: 'dislike', created_at: time }])
    })

    test('the same key posts once, from the header or the body', async () => {
      const chat_id = await newChat()
      const { messages } = chats()({ chat_id })
      const client_id = crypto.randomUUID()
      const headers = { 'idempotency-key': client_id }
      const first = await unwrap(messages.post({ content: 'once' }, { headers }))
      expect(first.client_id).toBe(client_id)
      expect(await unwrap(messages.post({ content: 'once', client_id }))).toEqual(first)
      expect(await unwrap(messages.post({ content: 'once', client_id }, { headers }))).toEqual(first)
      const other = await messages.post({ content: 'twice', client_id })
      expect(other.error?.status).toBe(409)
      expect(other.error?.value.reason).toBe('client_id_reused')
      const torn = await messages.post({ content: 'once', client_id: crypto.randomUUID() }, { headers })
      expect(torn.error?.status).toBe(422)
      const none = await messages.post({ content: 'once' }, { headers: { 'idempotency-key': 'mine' } })
      expect(none.error?.status).toBe(422)
      if (none.error?.value.reason !== 'invalid') throw new Error('The reason is not told.')
      expect(none.error.value.detail[0]?.loc).toEqual(['header', 'idempotency-key'])
      expect((await unwrap(messages.get())).total).toBe(1)
    })

    test('somebody else’s chat is refused as documented, an unknown one is not found', async () => {
      const chat_id = await newChat()
      const { id: message_id } = await say(chat_id, 'mine')
      const calls = (id: string) => {
        const chat = chats('bob')({ chat_id: id })
        return Promise.all<{ error: { status: number; value: unknown } | null }>([
          chat.get(),
          chat.messages.get(),
          chat.messages.post({ content: 'hers?' }),
          chat.messages({ message_id }).reaction.post({ reaction_type: 'like' }),
        ])
      }
      for (const { error } of await calls(chat_id)) {
        expect(error?.status).toBe(403)
        expect(error?.value).toEqual({ detail: 'Access forbidden', reason: 'forbidden' })
      }
      for (const { error } of await calls(crypto.randomUUID())) {
        expect(error?.status).toBe(404)
        expect(error?.value).toEqual({ detail: 'Chat not found', reason: 'chat_missing' })
      }
      expect((await unwrap(chats()({ chat_id }).get())).messages.map(({ reactions }) => reactions)).toEqual([[]])
    })
  })
}
