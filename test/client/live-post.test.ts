import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SocketClosed } from '../../client/src/frames.ts'
import { testDatabases } from '../support/database.ts'
import { until } from '../support/wait.ts'
import { contentsOf, failureOf, type LiveGround, next, numbers, openLiveGround, recorded, take } from './live-ground.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`what the live client posts, on ${kind}`, () => {
    let ground: LiveGround
    beforeAll(async () => {
      ground = await openLiveGround(open)
    })
    afterEach(() => ground.calm())
    afterAll(() => ground.close())

    test('a post whose answer was lost is sent again, and stored once', async () => {
      const chatId = await ground.newChat()
      const record = recorded()
      const live = ground.connect({ WebSocket: record.WebSocket })
      await until(() => live.status.getSnapshot() === 'open')
      ground.line.deafen()
      const posted = live.post(chatId, { content: 'once' })
      await until(async () => (await ground.stored(chatId)).length === 1)
      ground.line.cut()
      expect(await posted).toMatchObject({ content: 'once', seq: 3 })
      expect(record.sent('post')).toBe(2)
      expect(await ground.stored(chatId)).toEqual(['once'])
    })

    test('posts that are made while there is no connection wait for it, in order', async () => {
      const chatId = await ground.newChat()
      ground.line.down()
      const live = ground.connect()
      const contents = numbers(0, 99).map(String)
      const posts = Promise.all(contents.map((content) => live.post(chatId, { content })))
      ground.line.mend()
      expect((await posts).map(({ position }) => position)).toEqual(numbers(1, 100))
      expect(await ground.stored(chatId)).toEqual(contents)
    })

    test('what is watched is there again before posts that have waited are sent', async () => {
      const [chatId, other] = await Promise.all([ground.newChat(), ground.newChat()])
      ground.line.down()
      const live = ground.connect()
      const watches = [chatId, other].map((id) => live.watch(id)[Symbol.asyncIterator]())
      const posts = Promise.all(numbers(1, 20).map((number) => live.post(chatId, { content: String(number) })))
      const beginnings = Promise.all(watches.map((watch) => next(watch)))
      ground.line.mend()
      for (const [beginning] of await beginnings) expect(beginning).toMatchObject({ seq: 2, recovered: false })
      await posts
    })

    test('a post that gets no answer in time is given up, and so is one too many', async () => {
      ground.line.down()
      const live = ground.connect()
      const chatId = Bun.randomUUIDv7()
      expect(await failureOf(live.post(chatId, { content: 'late' }, { deadline: 1 }))).toMatchObject({
        reason: 'unreachable',
      })
      const waiting = numbers(1, 1000).map((number) => failureOf(live.post(chatId, { content: String(number) })))
      expect(await failureOf(live.post(chatId, { content: 'one too many' }))).toMatchObject({ reason: 'unreachable' })
      live.close()
      for (const failure of await Promise.all(waiting)) expect(failure).toBeInstanceOf(SocketClosed)
    })

    test('every message of five writers is stored once, however often the network breaks', async () => {
      const chatId = await ground.newChat()
      const writers = numbers(1, 5).map(() => ground.connect())
      let said = 0
      const writing = writers.map(async (live, writer) => {
        for (let number = 1; number <= 40; number += 1) {
          await live.post(chatId, { content: `${writer} ${number}` })
          said += 1
          if (said % 10 === 0) ground.line.cut()
        }
      })
      await Promise.all(writing)
      const contents = writers.flatMap((_, writer) => numbers(1, 40).map((number) => `${writer} ${number}`))
      const items = await take(ground.connect().watch(chatId, { after: 2 }), 201)
      expect(contentsOf(items.slice(1)).sort()).toEqual(contents.sort())
    })
  })
}
