import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { ParleyError } from '../../client/src/errors.ts'
import { testDatabases } from '../support/database.ts'
import { until } from '../support/wait.ts'
import {
  contentsOf,
  failureOf,
  type LiveGround,
  next,
  numbers,
  openLiveGround,
  recorded,
  seqsOf,
  take,
} from './live-ground.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`what the live client watches, on ${kind}`, () => {
    let ground: LiveGround
    beforeAll(async () => {
      ground = await openLiveGround(open)
    })
    afterEach(() => ground.calm())
    afterAll(() => ground.close())

    test('a watch begins with the chat as it is, then tells of every change', async () => {
      const chatId = await ground.newChat()
      await ground.post(chatId, 'before')
      const live = ground.connect()
      const watch = live.watch(chatId)[Symbol.asyncIterator]()
      expect(await next(watch)).toMatchObject([
        {
          type: 'watching',
          chat_id: chatId,
          seq: 3,
          recovered: false,
          snapshot: { messages: [{ content: 'before' }] },
        },
      ])
      await ground.post(chatId, 'by REST')
      const message = await live.post(chatId, { content: 'by socket' })
      expect(message).toMatchObject({ content: 'by socket', seq: 5, client_id: expect.any(String) })
      expect(contentsOf(await next(watch, 2))).toEqual(['by REST', 'by socket'])
      await live.read(chatId, message.id)
      expect(await next(watch)).toMatchObject([
        { type: 'read.moved', seq: 6, data: { user_id: ground.people.ada.user.id } },
      ])
    })

    test('a watch goes on through lost connections, with nothing missing and nothing twice', async () => {
      const chatId = await ground.newChat()
      const live = ground.connect()
      const watch = live.watch(chatId, { after: 0 })
      const all = take(watch, 303)
      for (let round = 0; round < 6; round += 1) {
        await ground.postAll(chatId, 50)
        if (round % 2 === 0) ground.line.cut()
        else await until(() => live.status.getSnapshot() === 'open')
      }
      const items = await all
      expect(items[0]).toMatchObject({ type: 'watching', seq: 0, recovered: true })
      expect(seqsOf(items.slice(1))).toEqual(numbers(1, 302))
    })

    test('leaving the loop unwatches, and so does closing the watch', async () => {
      const [left, closed, kept] = await Promise.all([ground.newChat(), ground.newChat(), ground.newChat()])
      const record = recorded()
      const live = ground.connect({ WebSocket: record.WebSocket })
      const others = live.watch(kept)[Symbol.asyncIterator]()
      await next(others)
      for await (const item of live.watch(left)) {
        expect(item.type).toBe('watching')
        break
      }
      const watch = live.watch(closed)
      for await (const item of watch) {
        expect(item.type).toBe('watching')
        watch.close()
      }
      await live.post(kept, { content: 'still here' })
      expect(record.sent('unwatch')).toBe(2)
      expect(contentsOf(await next(others))).toEqual(['still here'])
    })

    test('a reader that falls behind is told of the rest when it reads again, and disturbs nobody', async () => {
      const [slowChat, otherChat] = await Promise.all([ground.newChat(), ground.newChat()])
      const live = ground.connect()
      const slow = live.watch(slowChat, { after: 2 })[Symbol.asyncIterator]()
      const quick = live.watch(slowChat, { after: 2 })[Symbol.asyncIterator]()
      const other = live.watch(otherChat, { after: 2 })[Symbol.asyncIterator]()
      await Promise.all([next(slow), next(quick), next(other)])
      const read = next(quick, 1500)
      await ground.postAll(slowChat, 1500)
      expect(seqsOf(await read)).toEqual(numbers(3, 1502))
      await ground.post(otherChat, 'undisturbed')
      expect(contentsOf(await next(other))).toEqual(['undisturbed'])
      expect(seqsOf(await next(slow, 1500))).toEqual(numbers(3, 1502))
      await ground.post(slowChat, 'the last')
      for (const watch of [slow, quick]) expect(contentsOf(await next(watch))).toEqual(['the last'])
    })

    test('many loops over one chat share one watch, each from where it begins', async () => {
      const chatId = await ground.newChat()
      const live = ground.connect()
      const first = live.watch(chatId, { after: 0 })[Symbol.asyncIterator]()
      expect(seqsOf(await next(first, 3))).toEqual([0, 1, 2])
      const posting = ground.postAll(chatId, 100)
      const loops = numbers(0, 9).map((index) => live.watch(chatId, index % 2 === 0 ? {} : { after: 1 }))
      const told = loops.map(async (loop) => {
        const events = loop[Symbol.asyncIterator]()
        const [beginning] = await next(events)
        const { seq } = beginning ?? { seq: 0 }
        expect(seqsOf(await next(events, 102 - seq))).toEqual(numbers(seq + 1, 102))
      })
      expect(seqsOf(await next(first, 100))).toEqual(numbers(3, 102))
      await Promise.all([posting, ...told])
    })

    test('a cursor that the log has forgotten begins anew with a snapshot', async () => {
      const chatId = await ground.newChat()
      const live = ground.connect()
      const watch = live.watch(chatId, { after: 2 })[Symbol.asyncIterator]()
      expect(await next(watch)).toMatchObject([{ recovered: true }])
      ground.line.down()
      for (let number = 0; number < 3; number += 1) await ground.post(chatId, String(number))
      await ground.people.database
        .sql`UPDATE events SET at = now() - interval '60 days' WHERE chat_id = ${chatId} AND seq < 5`
      await ground.people.server.chats.log.retain(30)
      ground.line.mend()
      expect(await next(watch)).toMatchObject([{ recovered: false, seq: 5, snapshot: { chat: { id: chatId } } }])
      await ground.post(chatId, 'after')
      expect(contentsOf(await next(watch))).toEqual(['after'])
    })

    test('a chat that is not there is refused with its reason, to those who asked for it alone', async () => {
      const chatId = await ground.newChat()
      const live = ground.connect({}, ground.people.bob)
      const refusal = await failureOf(take(live.watch(chatId)))
      expect(refusal).toBeInstanceOf(ParleyError)
      expect(refusal).toMatchObject({ reason: 'chat_missing', status: 404 })
      expect(await failureOf(live.post(chatId, { content: 'in' }))).toMatchObject({ reason: 'chat_missing' })
      expect(await failureOf(live.read(chatId, chatId))).toMatchObject({ reason: 'chat_missing' })
      expect(await failureOf(live.post(chatId, { content: ' ' }))).toMatchObject({
        reason: 'invalid',
        issues: [{ loc: ['content'] }],
      })
      expect(await failureOf(live.post(chatId, { content: '語'.repeat(30_000) }))).toMatchObject({
        reason: 'body_too_large',
      })
      expect(live.status.getSnapshot()).toBe('open')
    })
  })
}
