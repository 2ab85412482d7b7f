import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { unwrap } from '../../client/src/errors.ts'
import { EventPage } from '../../src/contract/chat-calls.ts'
import { Chat, Message } from '../../src/contract/chats.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'
import { signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

const KEY = 'the-key-of-a-back-end-in-these-tests-only'

for (const { kind, open } of testDatabases()) {
  describe(`an id in capitals is the same id, on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, { env: { SERVICE_API_KEY: KEY } })
    })
    afterAll(() => people.close())

    const newChat = async () => (await unwrap(people.ada.client.api.chats.post({ title: 'Talk' }))).id

    test('a chat that was deleted by it is gone for who names it in small letters', async () => {
      const { ada } = people
      const chat = await newChat()
      const history = () => ada.call(`/api/chats/${chat}/branches/${chat}/messages`)
      expect((await history()).status).toBe(200)
      expect((await ada.call(`/api/chats/${chat.toUpperCase()}`, { method: 'DELETE' })).status).toBe(204)
      expect(await refusalOf(await history())).toEqual({ status: 404, reason: 'chat_missing' })
    })

    test('an account that was deactivated by it reads nothing more', async () => {
      const { server } = people
      const eve = await signUp(server, 'eve')
      expect((await eve.call('/api/chats')).status).toBe(200)
      const done = await server.call(`/api/admin/accounts/${eve.user.id.toUpperCase()}`, {
        method: 'PATCH',
        headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
        body: JSON.stringify({ is_active: false }),
      })
      expect(done.status).toBe(200)
      expect(await refusalOf(await eve.call('/api/chats'))).toEqual({ status: 401, reason: 'token_invalid' })
    })

    test('a back end acts for the same account by it', async () => {
      const { server, ada } = people
      const headers = {
        'x-api-key': KEY,
        'x-on-behalf-of': ada.user.id.toUpperCase(),
        'content-type': 'application/json',
      }
      const made = await server.call('/api/chats', { method: 'POST', headers, body: '{"title":"For Ada"}' })
      const chat = Chat.parse(await made.json())
      expect(chat.user_id).toBe(ada.user.id)
      const posted = await server.call(`/api/chats/${chat.id}/messages`, {
        method: 'POST',
        headers,
        body: '{"content":"hi"}',
      })
      expect(Message.parse(await posted.json()).sender_id).toBe(ada.user.id)
    })

    test('messages, branches and keys are found by it, and the log has it in small letters', async () => {
      const { ada } = people
      const chat = await newChat()
      const key = crypto.randomUUID()
      const at = `/api/chats/${chat.toUpperCase()}`
      const posted = await ada.send(`${at}/messages`, { content: 'hi', client_id: key.toUpperCase() })
      const text = await posted.text()
      expect(JSON.parse(text)).toMatchObject({ chat_id: chat, client_id: key })
      const { id } = Message.parse(JSON.parse(text))
      for (const path of [
        `${at}/messages/${id.toUpperCase()}`,
        `${at}/branches/tree`,
        `${at}/branches/${chat.toUpperCase()}/messages`,
      ])
        expect((await ada.call(path)).status).toBe(200)
      const again = await ada.call(`${at}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key.toUpperCase() },
        body: JSON.stringify({ content: 'hi', client_id: key }),
      })
      expect(Message.parse(await again.json()).id).toBe(id)
      const log = await (await ada.call(`${at}/events`)).text()
      expect(EventPage.parse(JSON.parse(log)).events).toHaveLength(3)
      expect(log).not.toContain(chat.toUpperCase())
    })
  })

  describe(`a username on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const register = (username: string) =>
      people.server.post('/api/auth/register', {
        username,
        email: `${crypto.randomUUID()}@example.com`,
        password: 'Correct-Horse-9',
      })

    test('has nothing in it that nobody sees', async () => {
      for (const name of ['\u200b', 'ada\u200b', '\u202eada', 'ada\u2060', 'a\ufe0fda', '\u3164'])
        expect(await refusalOf(await register(name))).toEqual({ status: 422, reason: 'invalid' })
    })

    test('is the same however its accents are put together', async () => {
      expect((await register('ren\u00e9')).status).toBe(201)
      expect(await refusalOf(await register('rene\u0301'))).toEqual({ status: 400, reason: 'username_registered' })
      const login = { username: 'rene\u0301', password: 'Correct-Horse-9' }
      expect((await people.server.post('/api/auth/login', login)).status).toBe(200)
    })
  })

  describe(`metadata on ${kind}`, () => {
    test('may tell of an escape, which is no NUL and no half of a character', async () => {
      const people = await openPeople(open)
      const metadata = { nul: '\\u0000', half: '\\ud800' }
      const chat = await unwrap(people.ada.client.api.chats.post({ title: 'Escapes', metadata }))
      expect((await unwrap(people.ada.client.api.chats({ chat_id: chat.id }).get())).metadata).toEqual(metadata)
      await people.close()
    })
  })
}
