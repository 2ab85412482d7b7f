import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SocketClosed } from '../../client/src/frames.ts'
import { applyEvent, historyIn, NO_CHAT } from '../../src/contract/chat-state.ts'
import { testDatabases } from '../support/database.ts'
import { until } from '../support/wait.ts'
import { contentsOf, failureOf, type LiveGround, next, openLiveGround, take } from './live-ground.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`the chats of the live client, on ${kind}`, () => {
    let ground: LiveGround
    beforeAll(async () => {
      ground = await openLiveGround(open)
    })
    afterEach(() => ground.calm())
    afterAll(() => ground.close())

    test('a chat is kept as it is while anybody listens', async () => {
      const chatId = await ground.newChat()
      await ground.post(chatId, 'first')
      const live = ground.connect()
      const chat = live.chat(chatId)
      expect(live.chat(chatId.toUpperCase())).toBe(chat)
      expect(chat.getSnapshot()).toMatchObject({ status: 'loading', state: { chat: null } })
      let calls = 0
      const leave = chat.subscribe(() => {
        calls += 1
      })
      await until(() => chat.getSnapshot().status === 'live')
      expect(historyIn(chat.getSnapshot().state).map(({ content }) => content)).toEqual(['first'])
      const before = chat.getSnapshot()
      await live.post(chatId, { content: 'second' })
      await until(() => historyIn(chat.getSnapshot().state).length === 2)
      expect(before.state).not.toBe(chat.getSnapshot().state)
      expect(calls).toBeGreaterThan(1)
      await until(() => chat.getSnapshot().presence.count === 1)
      expect(chat.getSnapshot().presence.users).toEqual([ground.people.ada.user.id])
      live.typing(chatId, true)
      await until(() => chat.getSnapshot().typing.length === 1)
      await live.post(chatId, { content: 'third' })
      await until(() => chat.getSnapshot().typing.length === 0)
      leave()
      await ground.post(chatId, 'unheard')
      ground.line.cut()
      const heard: number[] = []
      chat.subscribe(() => heard.push(chat.getSnapshot().state.chat?.last_seq ?? 0))
      expect(historyIn(chat.getSnapshot().state)).toHaveLength(3)
      await until(() => historyIn(chat.getSnapshot().state).length === 4)
      const fresh = await ground.people.ada.client.api.chats({ chat_id: chatId }).get()
      expect(chat.getSnapshot().state.chat).toMatchObject({ id: chatId, last_seq: heard.at(-1) ?? 0 })
      expect(historyIn(chat.getSnapshot().state)).toEqual(fresh.data?.messages ?? [])
    })

    test('what a watch tells makes the chat, as a fresh read does', async () => {
      const chatId = await ground.newChat()
      const live = ground.connect()
      const watching = take(live.watch(chatId, { after: 0 }), 8)
      const message = await live.post(chatId, { content: 'one' })
      await ground.people.ada.send(`/api/chats/${chatId}/messages/${message.id}/divergence`, { content: 'another' })
      ground.line.cut()
      await ground.people.ada.send(`/api/chats/${chatId}`, { title: 'Porto' }, 'PATCH')
      await live.read(chatId, message.id)
      const events = (await watching).flatMap((item) => (item.type === 'watching' ? [] : [item]))
      const state = events.reduce(applyEvent, NO_CHAT)
      const fresh = await ground.people.ada.client.api.chats({ chat_id: chatId }).get()
      expect(historyIn(state)).toEqual(fresh.data?.messages ?? [])
      expect(state.chat).toMatchObject({ title: 'Porto', last_seq: 7 })
    })

    test('close ends every watch without an error', async () => {
      const chatId = await ground.newChat()
      const live = ground.connect()
      const watch = live.watch(chatId)[Symbol.asyncIterator]()
      const chat = live.chat(chatId)
      chat.subscribe(() => {})
      await next(watch)
      live.close()
      expect(await watch.next()).toEqual({ done: true, value: undefined })
      expect(await take(live.watch(chatId))).toEqual([])
      expect(chat.getSnapshot()).toMatchObject({ status: 'ended', error: undefined })
      expect(live.status.getSnapshot()).toBe('closed')
      expect(await failureOf(live.post(chatId, { content: 'late' }))).toBeInstanceOf(SocketClosed)
    })

    test('a token that is revoked ends it: with another one it goes on', async () => {
      const chatId = await ground.newChat()
      const signIn = async () => {
        const answer = await ground.people.server.post('/api/auth/login', {
          username: ground.people.ada.user.username,
          password: ground.people.ada.password,
        })
        const { access_token } = await answer.json()
        return String(access_token)
      }
      const token = await signIn()
      const given: string[] = []
      const plain = ground.connect({ token })
      const renewing = ground.connect({
        async token() {
          given.push(given.length === 0 ? token : await signIn())
          return given.at(-1)
        },
      })
      const ended = failureOf(take(plain.watch(chatId)))
      const watch = renewing.watch(chatId)[Symbol.asyncIterator]()
      await next(watch)
      await until(() => plain.status.getSnapshot() === 'open')
      const out = await ground.people.server.call('/api/auth/logout', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
      expect(out.status).toBeLessThan(300)
      expect(await ended).toMatchObject({ name: 'SocketClosed', code: 4401 })
      await ground.post(chatId, 'after')
      expect(contentsOf(await next(watch))).toEqual(['after'])
      expect(given).toHaveLength(2)
    })
  })
}
