import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { DemoAnswerer } from '../../src/adapters/answerers/demo.ts'
import { Divergence } from '../../src/contract/branch-calls.ts'
import { ChatPage, EventPage } from '../../src/contract/chat-calls.ts'
import { DeskMessage, DeskSession } from '../../src/contract/desk.ts'
import type { AnswerRequest } from '../../src/domain/ports.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { type Person, signUp } from '../support/person.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const base = '/api/sessions'
const Sessions = z.array(DeskSession)

for (const { kind, open } of testDatabases()) {
  describe(`the Desk API on ${kind}`, () => {
    let database: OpenedDatabase
    /** Open to all. */
    let server: TestServer
    /** On the same database: wants a token. */
    let closed: TestServer
    let ada: Person
    let bob: Person
    beforeAll(async () => {
      database = await open()
      server = await startServer({ database, answerer: new DemoAnswerer() })
      closed = await startServer({ database, env: { PUBLIC_APIS: 'sessions' } })
      ada = await signUp(closed, 'ada')
      bob = await signUp(closed, 'bob')
    })
    afterAll(async () => {
      await Promise.all([server.close(), closed.close()])
      await database.close()
    })

    const make = (id: string, more: object = {}) => server.post(base, { id, title: id, ...more })
    const say = async (id: string, content: string, sender = 'assistant') =>
      DeskMessage.parse(await (await server.post(`${base}/${id}/messages`, { content, sender })).json())
    const read = async (id: string, query = '') =>
      DeskSession.parse(await (await server.call(`${base}/${encodeURIComponent(id)}${query}`)).json())
    const list = async (query: string) => Sessions.parse(await (await server.call(`${base}?${query}`)).json())

    test('a session is made, with an id of the client’s or of the server’s, and read', async () => {
      const made = await server.post(base, { id: 'first', title: 'Trip to Lisbon' })
      expect(made.status).toBe(200)
      const session: unknown = await made.json()
      expect(session).toEqual({ id: 'first', title: 'Trip to Lisbon', created_at: expect.any(String), messages: [] })
      expect(await read('first')).toEqual(DeskSession.parse(session))
      const unnamed = DeskSession.parse(await (await server.post(base, { title: 'None', id: null })).json())
      expect(unnamed.id).not.toBe('')
      expect(await read(unnamed.id)).toEqual(unnamed)
    })

    test('an id that is taken is a 409, one that is not there a 404', async () => {
      await make('taken')
      const again = await make('taken', { title: 'Another' })
      expect(again.status).toBe(409)
      expect(await again.json()).toMatchObject({ reason: 'session_exists' })
      expect((await read('taken')).title).toBe('taken')
      const both = await Promise.all([make('raced'), make('raced')])
      expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409])
      const missing = [
        await server.call(`${base}/nowhere`),
        await server.post(`${base}/nowhere/messages`, { content: 'hi', sender: 'user' }),
      ]
      for (const answer of missing) {
        expect(answer.status).toBe(404)
        expect(await answer.json()).toEqual({ detail: 'Session not found', reason: 'session_missing' })
      }
    })

    test.each(['100%25 & more?', '#1', 'a b', 'é👩‍👩‍👧', '%ff', '..a', '+', 'x'.repeat(128)])(
      'an id may be %p',
      async (id) => {
        expect((await make(id)).status).toBe(200)
        expect((await read(id)).id).toBe(id)
      },
    )

    test('a message is stored under a number that grows, with the time of the server', async () => {
      await make('numbers')
      const answer = await server.post(`${base}/numbers/messages`, { content: 'one', sender: 'assistant' })
      expect(answer.status).toBe(200)
      const one = DeskMessage.parse(await answer.json())
      expect(one).toMatchObject({ session_id: 'numbers', content: 'one', sender: 'assistant' })
      expect(one.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      const two = await say('numbers', 'two')
      expect(two.id).toBeGreaterThan(one.id)
      expect((await read('numbers')).messages).toEqual([one, two])
    })

    test.each([
      '2025-11-30T12:00:00',
      '2025-11-30T12:00:00.000Z',
      '2025-11-30T12:00:00.123456+02:00',
      '2025-11-30T12:00Z',
      '2025-11-30T12:00:00+0200',
      '0001-01-01T00:00:00',
    ])('a time that is given is kept as it was sent: %s', async (timestamp) => {
      const id = `time-${timestamp}`
      const made = await make(id, { created_at: timestamp })
      expect(await made.json()).toMatchObject({ created_at: timestamp })
      const path = `${base}/${encodeURIComponent(id)}/messages`
      const said = await server.post(path, { content: 'hi', sender: 'assistant', timestamp })
      expect(await said.json()).toMatchObject({ timestamp })
      expect(await read(id)).toMatchObject({ created_at: timestamp, messages: [{ timestamp }] })
      // Its log is of now: it would be forgotten by its age.
      const { chatId } = await server.desk.chat({ owner: '', actor: { kind: 'service' } }, id)
      const { events } = await server.chats.log.read(chatId, 0, 10)
      for (const { at } of events) expect(at > '2026').toBe(true)
    })

    test('sessions are listed with their messages, the newest first', async () => {
      for (const [index, id] of ['list-a', 'list-c', 'list-b'].entries()) {
        await make(id, { created_at: `210${index}-01-01T00:00:00Z` })
        await say(id, `in ${id}`)
      }
      await make('list-none', { created_at: '2103-01-01T00:00:00Z' })
      const ids = (sessions: DeskSession[]) => sessions.map(({ id }) => id)
      const newest = await list('limit=4')
      expect(ids(newest)).toEqual(['list-none', 'list-b', 'list-c', 'list-a'])
      expect(newest.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
        [],
        ['in list-b'],
        ['in list-c'],
        ['in list-a'],
      ])
      expect(ids(await list('limit=2&offset=1'))).toEqual(['list-b', 'list-c'])
    })

    test('a list has the newest messages of each session, and no more text than an answer takes', async () => {
      const text = 'x'.repeat(30_000)
      const ids = ['long', 'longer']
      for (const [index, id] of ids.entries()) {
        await make(id, { created_at: `211${index}-01-01T00:00:00Z` })
        for (let start = 0; start < 120; start += 40) {
          await Promise.all(Array.from({ length: 40 }, (_, number) => say(id, `${start + number} ${text}`)))
        }
      }
      const [longer, long] = await list('limit=2')
      expect(longer?.messages.length).toBe(100)
      // What is left of 4 MiB.
      expect(long?.messages.length).toBe(39)
      const all = await read('long')
      expect(all.messages.length).toBe(120)
      expect(long?.messages).toEqual(all.messages.slice(-39))
      const page = await read('long', '?limit=20&offset=60')
      expect(page.messages).toEqual(all.messages.slice(40, 60))
    })

    test('what a user says is answered, in order, and what an assistant says is not', async () => {
      await make('answered')
      await say('answered', 'one', 'user')
      await say('answered', 'an aside')
      await say('answered', 'two', 'user')
      await until(async () => (await read('answered')).messages.length === 5, 'two answers')
      const { messages } = await read('answered')
      const answers = messages.filter(({ content }) => content.startsWith('You said'))
      expect(answers.map(({ sender }) => sender)).toEqual(['assistant', 'assistant'])
      expect(answers.map(({ content }) => /“(.*)”/.exec(content)?.[1])).toEqual(['one', 'two'])
    })

    test('a desk session is a chat: its owner sees it by every other door', async () => {
      await ada.send(base, { id: 'native', title: 'By the desk' })
      const answer = await ada.send(`${base}/native/messages`, { content: 'hello', sender: 'user' })
      const said = DeskMessage.parse(await answer.json())
      const { items } = ChatPage.parse(await (await ada.call('/api/chats')).json())
      const chat = items.find(({ title }) => title === 'By the desk')
      const native = `/api/chats/${chat?.id}`
      const { events } = EventPage.parse(await (await ada.call(`${native}/events`)).json())
      const created = events.find(({ type }) => type === 'message.created')
      expect(created?.data).toMatchObject({ content: 'hello', number: said.id, sender_id: ada.user.id })

      const second = z
        .object({ id: z.string() })
        .parse(await (await ada.send(`${native}/messages`, { content: 'by the native door' })).json())
      const contents = async () => {
        const { messages } = DeskSession.parse(await (await ada.call(`${base}/native`)).json())
        return messages.filter(({ sender }) => sender === 'user').map(({ content }) => content)
      }
      expect(await contents()).toEqual(['hello', 'by the native door'])
      // Said again in another way: the desk shows the branch that is active.
      const { message } = Divergence.parse(
        await (await ada.send(`${native}/messages/${second.id}/divergence`, { content: 'said otherwise' })).json(),
      )
      expect(await contents()).toEqual(['hello', 'said otherwise'])
      await ada.call(`${native}/messages/${message.id}`, { method: 'DELETE' })
      expect(await contents()).toEqual(['hello'])
      await ada.call(native, { method: 'DELETE' })
      expect((await ada.call(`${base}/native`)).status).toBe(404)
      expect((await ada.send(`${base}/native/messages`, { content: 'late', sender: 'user' })).status).toBe(404)
      expect((await ada.send(base, { id: 'native', title: 'Again' })).status).toBe(409)
    })

    test('an id whose session is gone for good is free again, also where that was known', async () => {
      await make('reborn')
      await say('reborn', 'of the first')
      await database.sql`DELETE FROM chats WHERE external_id = 'reborn'`
      expect((await make('reborn')).status).toBe(200)
      await say('reborn', 'of the second')
      expect((await read('reborn')).messages.map(({ content }) => content)).toEqual(['of the second'])
    })

    test('a session belongs to its account, and its id is taken for that one alone', async () => {
      await make('mine')
      for (const [person, title] of [
        [ada, 'of Ada'],
        [bob, 'of Bob'],
      ] as const) {
        expect((await person.call(`${base}/mine`)).status).toBe(404)
        expect((await person.send(base, { id: 'mine', title })).status).toBe(200)
        expect(await (await person.call(`${base}/mine`)).json()).toMatchObject({ title })
      }
      await ada.send(base, { id: 'of-ada', title: 'Secret' })
      const late = await bob.send(`${base}/of-ada/messages`, { content: 'hi', sender: 'user' })
      expect(late.status).toBe(404)
      const titles = Sessions.parse(await (await bob.call(base)).json()).map(({ title }) => title)
      expect(titles).toEqual(['of Bob'])
    })

    test('a public desk has the sessions that were made there, and no chat of an account or a back end', async () => {
      await ada.send(base, { id: 'hidden', title: 'Secret' })
      const service = { owner: 'service', actor: { kind: 'service' } } as const
      await closed.desk.create(service, { id: 'of-service', title: 'Secret' })
      await closed.chats.chats.create(service.actor, { title: 'Secret' })
      for (const id of ['hidden', 'of-service']) expect((await server.call(`${base}/${id}`)).status).toBe(404)
      expect((await list('limit=1000')).filter(({ title }) => title === 'Secret')).toEqual([])
      // A token changes nothing on a public API.
      const withToken = await server.call(`${base}/hidden`, { headers: ada.headers })
      expect(withToken.status).toBe(404)
    })

    test('an answer that cannot be made, or whose question is gone, leaves the session as it is', async () => {
      const asked: string[] = []
      const demo = new DemoAnswerer()
      const answerer = {
        name: 'demo' as const,
        answer(request: AnswerRequest) {
          asked.push(request.message)
          if (request.message === 'fail') throw new Error('No answer.')
          return demo.answer(request)
        },
      }
      const failing = await startServer({ database, answerer })
      await failing.post(base, { id: 'failing', title: 'Failing' })
      for (const content of ['fail', 'work']) {
        const answer = await failing.post(`${base}/failing/messages`, { content, sender: 'user' })
        expect(answer.status).toBe(200)
      }
      // By whichever server: they share the database.
      await until(async () => (await read('failing')).messages.length === 3)
      // Closing waits for the answers that are being made.
      await failing.close()
      expect(asked).toContain('fail')
      const { messages } = await read('failing')
      expect(messages.map(({ sender }) => sender)).toEqual(['user', 'user', 'assistant'])
    })
  })
}
