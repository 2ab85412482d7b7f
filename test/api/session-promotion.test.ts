import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SessionServerFrame } from '../../src/contract/sessions.ts'
import { startServer } from '../support/app.ts'
import { testDatabases } from '../support/database.ts'
import { refusalOf } from '../support/people.ts'
import { signUp } from '../support/person.ts'
import {
  chatOf,
  conversation,
  type PromotionWorld,
  promote,
  promotionWorlds,
  readChat,
  say,
  watch,
} from '../support/promotion.ts'

setDefaultTimeout(60_000)

const promoted = { status: 409, reason: 'session_promoted' }

for (const { name, open } of promotionWorlds) {
  describe(`a session becomes a chat, on ${name}`, () => {
    let world: PromotionWorld
    beforeAll(async () => {
      world = await open()
    })
    afterAll(() => world.close())

    test('with its messages, their ids, order and times, and an event for each', async () => {
      const { here, there, ada } = world
      const said = [
        ['Where shall we stay?\nIn Lisbon, I mean.', 'user'],
        ['In the Alfama: "old" & \u{1f3d8}', 'assistant'],
        ['Be brief.', 'system'],
        ['And eat?', 'user'],
      ] as const
      for (const [content, role] of said) await say(here, 'trip', content, role)
      const before = await conversation(here, 'trip')
      const chat = await chatOf(await promote(there, ada, 'trip'), 201)
      expect(chat).toMatchObject({ title: 'Where shall we stay?', user_id: ada.user.id, last_seq: 6 })
      expect(chat.created_at).toBe(before[0]?.created_at ?? '')

      const read = await readChat(ada, chat.id)
      expect(read.chat).toEqual(chat)
      expect(read.events.map(({ type }) => type)).toEqual([
        'chat.created',
        'branch.created',
        ...said.map(() => 'message.created' as const),
      ])
      expect(read.messages.map(({ id, content, created_at }) => ({ id, content, created_at }))).toEqual(
        before.map(({ id, content, created_at }) => ({ id, content, created_at })),
      )
      for (const [index, message] of read.messages.entries()) {
        const { role } = before[index] ?? {}
        expect(message).toMatchObject({ sender_type: role, sender_id: null, position: index + 1, seq: index + 3 })
      }

      expect(await conversation(there, 'trip')).toEqual(before)
      const sessions = await (await here.call('/v1/chat/sessions')).json()
      expect(sessions).toContainEqual({ session_id: 'trip', message_count: 4 })
    })

    test('once: called again, it is the same chat, as it is by then', async () => {
      const { here, there, ada } = world
      await say(here, 'twice', 'hello')
      const chat = await chatOf(await promote(here, ada, 'twice', { title: 'First' }), 201)
      await ada.send(`/api/chats/${chat.id}/messages`, { content: 'goes on' })
      const again = await chatOf(await promote(there, ada, 'twice', { title: 'Second' }), 200)
      expect(again).toMatchObject({ id: chat.id, title: 'First', last_seq: chat.last_seq + 1 })
      const { messages } = await readChat(ada, chat.id)
      expect(messages.map(({ content }) => content)).toEqual(['hello', 'goes on'])
      await ada.call(`/api/chats/${chat.id}`, { method: 'DELETE' })
      expect(await refusalOf(await promote(here, ada, 'twice'))).toEqual({ status: 404, reason: 'chat_missing' })
    })

    test('and takes no more messages, by whatever door', async () => {
      const { here, there, ada } = world
      await say(here, 'full', 'hello')
      const socket = watch(there, 'full')
      await socket.next()
      await promote(here, ada, 'full')
      expect(await refusalOf(await say(there, 'full', 'late'))).toEqual(promoted)
      expect(await refusalOf(await here.call('/v1/chat/sessions/full', { method: 'DELETE' }))).toEqual(promoted)
      const call = await here.post('/trpc/sessions.post', { session_id: 'full', role: 'user', content: 'late' })
      expect(await call.json()).toMatchObject({ error: { data: { httpStatus: 409, reason: 'session_promoted' } } })
      expect(await socket.next()).toMatchObject({ type: 'session.promoted' })
      for (const content of ['late', 'later']) {
        socket.send({ role: 'user', content })
        expect(SessionServerFrame.parse(await socket.next())).toMatchObject({
          type: 'error',
          reason: 'session_promoted',
        })
      }
      await socket.close()
      expect(await conversation(here, 'full')).toHaveLength(1)
    })

    test('its watchers are told where it goes on, those who come later too', async () => {
      const { here, there, ada } = world
      const watchers = [watch(here, 'seen'), watch(there, 'seen')]
      for (const socket of watchers) await socket.next()
      await say(here, 'seen', 'hello')
      const chat = await chatOf(await promote(here, ada, 'seen'), 201)
      await promote(there, ada, 'seen')
      watchers.push(watch(here, 'seen'), watch(there, 'seen'))
      const told = { type: 'session.promoted', session_id: 'seen', chat_id: chat.id, seq: chat.last_seq } as const
      for (const [index, socket] of watchers.entries()) {
        const [first, second] = (await socket.take(2)).map((frame) => SessionServerFrame.parse(frame))
        expect(first?.type).toBe(index < 2 ? 'message.created' : 'session.sync')
        expect(second).toEqual(told)
        // Nothing comes after it but the answers to the own frames.
        socket.send('{')
        expect(await socket.next()).toMatchObject({ type: 'error' })
        await socket.close()
      }
      await ada.send(`/api/chats/${chat.id}/messages`, { content: 'goes on' })
      const events = await (await ada.call(`/api/chats/${chat.id}/events?after=${told.seq}`)).json()
      expect(events).toMatchObject({ events: [{ type: 'message.created', data: { content: 'goes on' } }] })
    })

    test('for the account that was first; another is not told which', async () => {
      const { here, there, ada, bob } = world
      await say(here, 'claimed', 'hello')
      const chat = await chatOf(await promote(here, ada, 'claimed'), 201)
      const answer = await promote(there, bob, 'claimed')
      expect(await answer.clone().text()).not.toContain(chat.id)
      expect(await refusalOf(answer)).toEqual(promoted)
      expect(await refusalOf(await bob.call(`/api/chats/${chat.id}`))).toEqual({ status: 403, reason: 'forbidden' })
      expect((await bob.call(`/api/chats/${chat.id}/events`)).status).toBe(404)
    })

    test('not where it holds nothing, nor without a token', async () => {
      const { here, ada } = world
      const empty = { status: 404, reason: 'session_empty' }
      expect(await refusalOf(await promote(here, ada, 'unknown'))).toEqual(empty)
      await say(here, 'cleared', 'hello')
      await here.call('/v1/chat/sessions/cleared', { method: 'DELETE' })
      expect(await refusalOf(await promote(here, ada, 'cleared'))).toEqual(empty)
      expect((await say(here, 'cleared', 'still open')).status).toBe(201)
      const anonymous = await here.call('/v1/chat/sessions/cleared/promote', { method: 'POST' })
      expect(await refusalOf(anonymous)).toEqual({ status: 401, reason: 'unauthenticated' })
    })

    test.each([
      [['  \t \n\u2028 second line, first\r\nthird'], 'second line, first'],
      [['🙂'.repeat(60)], '🙂'.repeat(50)],
      [[`a${'🙂'.repeat(60)}`], `a${'🙂'.repeat(49)}`],
      [['a\tb\u0007c'], 'a b c'],
      [['\u0001\n\u0002'], undefined],
      [[], undefined],
    ])('titled by what a user says first: %j', async (contents, title) => {
      const { here, ada } = world
      const session = `titled-${crypto.randomUUID()}-${'x'.repeat(80)}`
      await say(here, session, 'Welcome!', 'assistant')
      for (const content of [...contents, ...(contents.length > 0 ? ['not this'] : [])])
        await say(here, session, content)
      const chat = await chatOf(await promote(here, ada, session), 201)
      expect(chat.title).toBe(title ?? session.slice(0, 100))
    })

    test('not with a title or a body that is none', async () => {
      const { here, ada } = world
      await say(here, 'untitled', 'hello')
      for (const body of [{ title: '' }, { title: 'a\nb' }, { title: 'x'.repeat(101) }, { title: 1 }, []]) {
        expect(await refusalOf(await promote(here, ada, 'untitled', body))).toEqual({ status: 422, reason: 'invalid' })
      }
      const path = '/v1/chat/sessions/untitled/promote'
      const sent = (type: string) => ada.call(path, { method: 'POST', body: '{', headers: { 'content-type': type } })
      expect([(await sent('text/plain')).status, (await sent('application/json')).status]).toEqual([415, 422])
      expect((await ada.send('/v1/chat/sessions/un%20titled/promote', {})).status).toBe(422)
      expect((await say(here, 'untitled', 'still open')).status).toBe(201)
    })
  })
}

describe('where sessions are not public', () => {
  for (const { kind, open } of testDatabases()) {
    test(`a session is promoted by its account, which said what its users say; others have none of that name (${kind})`, async () => {
      const database = await open()
      const server = await startServer({ database, env: { PUBLIC_APIS: 'desk' } })
      const [ada, bob] = [await signUp(server, 'ada'), await signUp(server, 'bob')]
      const path = '/v1/chat/sessions/mine'
      await ada.send(`${path}/messages`, { role: 'user', content: 'hello' })
      await ada.send(`${path}/messages`, { role: 'assistant', content: 'hello, Ada' })
      expect(await refusalOf(await promote(server, bob, 'mine'))).toEqual({ status: 404, reason: 'session_empty' })
      await bob.send(`${path}/messages`, { role: 'user', content: 'mine too' })
      const [hers, his] = [await promote(server, ada, 'mine'), await promote(server, bob, 'mine')]
      const { messages } = await readChat(ada, (await chatOf(hers, 201)).id)
      expect(messages).toMatchObject([
        { content: 'hello', sender_id: ada.user.id },
        { content: 'hello, Ada', sender_id: null },
      ])
      expect(await readChat(bob, (await chatOf(his, 201)).id)).toMatchObject({ messages: [{ content: 'mine too' }] })
      await server.close()
      await database.close()
    })
  }
})
