import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { applyEvent, type ChatState } from '../../src/contract/chat-state.ts'
import { ChatEvent } from '../../src/contract/events.ts'
import { FAILURES } from '../../src/contract/failures.ts'
import { testDatabases } from '../support/database.ts'
import { TestStream } from '../support/event-source.ts'
import { LiveClient } from '../support/live.ts'
import { openPeople, type People } from '../support/people.ts'
import { TestSocket } from '../support/socket.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`the live socket on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const newChat = async () => {
      const { data } = await people.ada.client.api.chats.post({ title: 'Trip' })
      if (data === null) throw new Error('no chat')
      return data.id
    }
    const post = (chatId: string, content: string) => people.ada.send(`/api/chats/${chatId}/messages`, { content })
    const connect = (person = people.ada) => LiveClient.open(people.server.ws, person)

    test('begins with the chat as it is, then tells of every change, whoever made it', async () => {
      const chatId = await newChat()
      await post(chatId, 'before')
      const [one, two] = await Promise.all([connect(), connect()])
      for (const client of [one, two]) {
        const watching = await client.watch(chatId)
        expect(watching).toMatchObject({ chat_id: chatId, recovered: false, seq: 3 })
        expect(watching.snapshot).toMatchObject({ chat: { id: chatId }, messages: [{ content: 'before' }] })
      }
      await post(chatId, 'by REST')
      const answer = await one.ask({ type: 'post', chat_id: chatId, content: 'by socket' })
      expect(answer).toMatchObject({ type: 'ack', message: { content: 'by socket', seq: 5 } })
      await people.ada.send(`/api/chats/${chatId}`, { title: 'Porto' }, 'PATCH')
      for (const client of [one, two]) {
        expect(await client.events(3)).toMatchObject([
          { seq: 4, type: 'message.created', data: { content: 'by REST' } },
          { seq: 5, type: 'message.created', data: { content: 'by socket' } },
          { seq: 6, type: 'chat.updated', data: { title: 'Porto' } },
        ])
        await client.close()
      }
    })

    test('a reader that comes back is told what it missed, and nothing twice', async () => {
      const chatId = await newChat()
      const client = await connect()
      expect(await client.watch(chatId, 0)).toMatchObject({ recovered: true, seq: 0 })
      expect((await client.events(2)).map(({ seq }) => seq)).toEqual([1, 2])
      await client.close()
      for (let number = 0; number < 300; number += 1) await post(chatId, String(number))
      const back = await connect()
      expect(await back.watch(chatId, 2)).toMatchObject({ recovered: true, seq: 2 })
      await post(chatId, 'live')
      const events = await back.events(301)
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 301 }, (_, index) => index + 3))
      await back.close()
    })

    test('watchers that join while others post see each event once, in order', async () => {
      const chatId = await newChat()
      const total = 200
      const posting = (async () => {
        for (let number = 0; number < total; number += 1) await post(chatId, String(number))
      })()
      const watchers = Array.from({ length: 15 }, async (_, index) => {
        for (let turn = 0; turn < index; turn += 1) await people.ada.call(`/api/chats/${chatId}`)
        const client = await connect()
        const { seq, snapshot } = await client.watch(chatId, index % 2 === 0 ? undefined : 1)
        const events = await client.events(total + 2 - seq)
        expect(events.map((event) => event.seq)).toEqual(
          Array.from({ length: total + 2 - seq }, (_, after) => seq + 1 + after),
        )
        if (snapshot !== undefined) {
          const state: ChatState = {
            chat: snapshot.chat,
            branches: Object.fromEntries(snapshot.branches.map((branch) => [branch.id, branch])),
            messages: Object.fromEntries(snapshot.messages.map((message) => [message.id, message])),
            read_cursors: snapshot.read_cursors,
            answering: snapshot.answering,
          }
          const after = events.map((event) => ChatEvent.parse(event)).reduce(applyEvent, state)
          expect(after.chat?.last_seq).toBe(total + 2)
        }
        await client.close()
      })
      await Promise.all([posting, ...watchers])
    })

    test('a cursor that never was, or is too old, begins with a snapshot', async () => {
      const chatId = await newChat()
      const client = await connect()
      expect(await client.watch(chatId, 99)).toMatchObject({ recovered: false, seq: 2, snapshot: { messages: [] } })
      for (let number = 0; number < 3; number += 1) await post(chatId, String(number))
      await people.database.sql`UPDATE events SET at = now() - interval '60 days' WHERE chat_id = ${chatId} AND seq < 4`
      await people.server.chats.log.retain(30)
      const late = await connect()
      expect(await late.watch(chatId, 1)).toMatchObject({ recovered: false, seq: 5 })
      // What this process told of just now it still has, whatever the log forgets.
      expect(await late.watch(chatId, 4)).toMatchObject({ recovered: true, seq: 4 })
      await Promise.all([client.close(), late.close()])
    })

    test('one socket watches many chats, and leaves those that it leaves', async () => {
      const chats = await Promise.all([newChat(), newChat(), newChat()])
      const client = await connect()
      for (const chatId of chats) await client.watch(chatId)
      const [left = '', ...others] = chats
      expect(await client.ask({ type: 'unwatch', chat_id: left })).toMatchObject({ type: 'ack' })
      for (const chatId of chats) await post(chatId, 'hello')
      const events = await client.events(2)
      expect(events.map(({ chat_id }) => chat_id)).toEqual(others)
      await client.close()
    })

    test('a chat that is watched again is told once', async () => {
      const chatId = await newChat()
      const client = await connect()
      for (let time = 0; time < 3; time += 1) await client.watch(chatId)
      // A stream of the same chat keeps it open here while the socket leaves it.
      const stream = new TestStream(`${people.server.url}/api/chats/${chatId}/events`, people.ada.headers)
      await stream.next()
      await client.ask({ type: 'unwatch', chat_id: chatId })
      expect(await client.watch(chatId, 1)).toMatchObject({ recovered: true, seq: 1 })
      await post(chatId, 'one')
      await post(chatId, 'two')
      expect((await client.events(3)).map(({ seq }) => seq)).toEqual([2, 3, 4])
      stream.close()
      await client.close()
    })

    test('somebody else’s chat is not there', async () => {
      const chatId = await newChat()
      const client = await connect(people.bob)
      const missing = { reason: 'chat_missing', detail: FAILURES.chat_missing.detail }
      for (const frame of [
        { type: 'watch', chat_id: chatId },
        { type: 'post', chat_id: chatId, content: 'in' },
        { type: 'read', chat_id: chatId, message_id: chatId },
        { type: 'watch', chat_id: Bun.randomUUIDv7() },
      ]) {
        expect(await client.ask(frame)).toMatchObject({ type: 'refused', ...missing })
      }
      expect(await client.ask({ type: 'typing', chat_id: chatId, typing: true })).toMatchObject({
        reason: 'not_watching',
      })
      await client.close()
    })

    test('a bad frame is refused with what is wrong, and the socket stays open', async () => {
      const chatId = await newChat()
      const client = await connect()
      for (const frame of ['{', '123', '[]', 'null', '""', `"${'x'.repeat(70_000)}"`, new Uint8Array([1])]) {
        client.socket.send(frame)
        expect(await client.next('refused')).toMatchObject({ id: null, reason: 'invalid' })
      }
      for (const frame of [
        { type: 'what' },
        { type: 'watch', chat_id: 'x' },
        { type: 'watch', chat_id: chatId, after: -1 },
        { type: 'post', chat_id: chatId, content: ' ' },
        { type: 'post', chat_id: chatId, content: 'a\0b' },
        { type: 'authenticate' },
      ]) {
        expect(await client.ask(frame)).toMatchObject({ type: 'refused', reason: 'invalid' })
      }
      expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'ack' })
      await client.close()
    })

    test('signs in with the first frame, or with the one header that a page can set', async () => {
      const anonymous = new LiveClient(people.server.ws)
      await anonymous.socket.opened
      expect(await anonymous.ask({ type: 'ping' })).toMatchObject({ type: 'refused', reason: 'unauthenticated' })
      expect(await anonymous.ask({ type: 'authenticate', token: 'nonsense' })).toMatchObject({
        reason: 'token_invalid',
      })
      const token = people.ada.access_token
      const welcome = await anonymous.ask({ type: 'authenticate', token })
      expect(welcome).toMatchObject({ type: 'authenticated', user_id: people.ada.user.id })
      expect(await anonymous.ask({ type: 'ping' })).toMatchObject({ type: 'ack' })
      expect(await anonymous.ask({ type: 'authenticate', token: people.bob.access_token })).toMatchObject({
        reason: 'forbidden',
      })
      const page = new LiveClient(people.server.ws, { 'sec-websocket-protocol': `bearer, ${token}` })
      expect(await page.next('authenticated')).toMatchObject({ id: null, user_id: people.ada.user.id })
      const query = new TestSocket(`${people.server.ws}/api/live?token=${token}`)
      await query.opened
      query.send({ type: 'ping', id: '1' })
      expect(await query.next()).toMatchObject({ type: 'refused', reason: 'unauthenticated' })
      await Promise.all([anonymous.close(), page.close(), query.close()])
    })

    test('tells who watches and who types', async () => {
      const chatId = await newChat()
      const [one, two] = await Promise.all([connect(), connect()])
      await one.watch(chatId)
      await two.watch(chatId)
      for (const client of [one, two]) {
        expect(await client.next('presence')).toMatchObject({ chat_id: chatId, count: 1, users: [people.ada.user.id] })
      }
      expect(await one.ask({ type: 'typing', chat_id: chatId, typing: true })).toMatchObject({ type: 'ack' })
      expect(await two.next('typing')).toMatchObject({ user_id: people.ada.user.id, typing: true })
      await one.ask({ type: 'post', chat_id: chatId, content: 'typed' })
      expect(await two.next('typing')).toMatchObject({ typing: false })
      await Promise.all([one.close(), two.close()])
    })

    test('says how far the account has read', async () => {
      const chatId = await newChat()
      const client = await connect()
      await client.watch(chatId)
      const posted = await client.ask({ type: 'post', chat_id: chatId, content: 'read me' })
      const message_id = posted.type === 'ack' ? posted.message?.id : undefined
      expect(await client.ask({ type: 'read', chat_id: chatId, message_id })).toMatchObject({ type: 'ack' })
      const events = await client.events(2)
      expect(events.map(({ type }) => type)).toEqual(['message.created', 'read.moved'])
      await client.close()
    })
  })
}
