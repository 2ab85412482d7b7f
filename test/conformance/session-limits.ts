import { expect, test } from 'bun:test'
import { until } from '../support/wait.ts'
import { LONG_TEST_MS, messageText, newSession, type Start } from './session-world.ts'

/** Caps by number and bytes, and the time to live. */
export function sessionLimits(start: Start): void {
  test('drop the oldest messages past maxMessages', async () => {
    const { store } = await start({ maxMessages: 3 })
    const session = newSession()
    const messages = Array.from({ length: 50 }, (_, index) => messageText(`é${'x'.repeat(index * 20)}`))
    for (const [index, message] of messages.entries()) {
      const { messages: kept } = await store.appendAndRead(session, message)
      expect(kept).toEqual(messages.slice(Math.max(0, index - 2), index + 1))
    }
  })

  test('drop the oldest messages past maxBytes, in UTF-8, and no more than needed', async () => {
    const sizes = [10, 400, 90, 3, 700, 1, 1, 350, 600, 42, 999, 5, 5, 2000, 8]
    const messages = Array.from({ length: 60 }, (_, index) => messageText('é'.repeat(sizes[index % 15] ?? 0)))
    const maxBytes = 2500
    const { store } = await start({ maxBytes })
    const session = newSession()
    for (const [index, message] of messages.entries()) {
      const { messages: kept } = await store.appendAndRead(session, message)
      let fitting: string[] = []
      for (const candidate of messages.slice(0, index + 1).reverse()) {
        if (fitting.length > 0 && Buffer.byteLength([candidate, ...fitting].join('')) > maxBytes) break
        fitting = [candidate, ...fitting]
      }
      expect(kept).toEqual(fitting)
    }
  })

  test('always keep the newest message', async () => {
    const { store } = await start({ maxBytes: 100 })
    const session = newSession()
    const big = messageText('x'.repeat(5000))
    await store.append(session, messageText('a'))
    expect((await store.appendAndRead(session, big)).messages).toEqual([big])
    const small = '{"small":true}'
    expect((await store.appendAndRead(session, small)).messages).toEqual([small])
  })

  test('count anew after a clear', async () => {
    const { store } = await start({ maxBytes: 600, maxMessages: 4 })
    const session = newSession()
    for (let index = 0; index < 4; index += 1) await store.append(session, messageText('x'))
    await store.clear(session)
    const messages = Array.from({ length: 4 }, () => messageText('x'))
    for (const message of messages) await store.append(session, message)
    expect((await store.read(session)).messages).toEqual(messages)
  })

  test(
    'the time to live is renewed by writes, not by reads',
    async () => {
      const world = await start({ ttlSeconds: 2 })
      const [idle, written, cleared] = [newSession(), newSession(), newSession()]
      for (const session of [idle, written, cleared]) await world.store.append(session, messageText('first'))
      const { messages } = await world.store.read(written)
      await until(async () => {
        world.tick()
        await Promise.all([world.store.append(written, messageText('more')), world.store.clear(cleared)])
        return (await world.store.read(idle)).position === 0
      }, 'the session that is only read to expire')
      expect((await world.store.read(written)).messages[0]).toBe(messages[0])
      expect((await world.store.read(cleared)).position).toBeGreaterThan(0)
    },
    LONG_TEST_MS,
  )

  test(
    'the time to live ends the session as a whole; a new life starts above all old positions',
    async () => {
      const world = await start({ ttlSeconds: 1 })
      const session = newSession()
      let last = 0
      for (let index = 0; index < 50; index += 1) last = await world.store.append(session, messageText('old'))
      await until(async () => {
        world.tick()
        return (await world.store.read(session)).position === 0
      }, 'the session to expire')
      expect(await world.store.list(session.owner, { limit: 10 })).toEqual([])
      const message = messageText('new')
      const reborn = await world.store.appendAndRead(session, message)
      expect(reborn.messages).toEqual([message])
      expect(reborn.position).toBeGreaterThan(last)
      expect(await world.store.list(session.owner, { limit: 10 })).toEqual([
        { session_id: session.id, message_count: 1 },
      ])
    },
    LONG_TEST_MS,
  )
}
