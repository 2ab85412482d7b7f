import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createClient } from '../../client/src/client.ts'
import { SocketClosed } from '../../client/src/frames.ts'
import { type SessionWatch, type WatchOptions, watchSession } from '../../client/src/watch-session.ts'
import { CLOSE_CODES, type CloseName } from '../../src/contract/close-codes.ts'
import type { SessionServerFrame } from '../../src/contract/sessions.ts'
import { startServer } from '../support/app.ts'
import { memoryStores } from '../support/stores.ts'
import { type Act, scriptedServer } from './scripted-server.ts'

setDefaultTimeout(60_000)

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const started = <T>(value: T, stop: (value: T) => unknown): T => {
  stops.push(() => stop(value))
  return value
}

const ROOM = 'room'
const sync = (...contents: string[]): SessionServerFrame => ({
  type: 'session.sync',
  session: { session_id: ROOM, messages: contents.map(message) },
})
const message = (content: string) => ({
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  role: 'user' as const,
  content,
  created_at: '2026-01-02T03:04:05.000Z',
})

const sends =
  (...frames: object[]): Act =>
  (socket) => {
    for (const frame of frames) socket.send(JSON.stringify(frame))
  }
const closes =
  (why: CloseName, ...frames: object[]): Act =>
  (socket) => {
    sends(...frames)(socket)
    socket.close(CLOSE_CODES[why].code, CLOSE_CODES[why].reason)
  }

/** Watches a server that acts like this, without waiting between tries. */
function watchScript(acts: Act[], options: WatchOptions = {}) {
  const server = started(scriptedServer(...acts), ({ stop }) => stop())
  const watch = started(watchSession(server.url, ROOM, { delay: () => 0, ...options }), (open) => open.close())
  return { server, watch, frames: watch[Symbol.asyncIterator]() }
}

const take = async (frames: AsyncGenerator<SessionServerFrame, void, void>) => {
  const { value } = await frames.next()
  if (!value) throw new Error('The watch has ended.')
  return value
}

/** All frames until the watch ends, and the error that ended it. */
async function outcome(watch: SessionWatch): Promise<{ frames: SessionServerFrame[]; error?: unknown }> {
  const frames: SessionServerFrame[] = []
  try {
    for await (const frame of watch) frames.push(frame)
    return { frames }
  } catch (error) {
    return { frames, error }
  }
}

describe('a watched session', () => {
  test('is told whole, then by each change, and takes messages', async () => {
    const server = started(await startServer(), ({ close }) => close())
    const client = createClient(server.url)
    const watch = started(watchSession(server.url, ROOM), (open) => open.close())
    watch.send({ role: 'user', content: 'sent before the socket was open' })
    const frames = watch[Symbol.asyncIterator]()
    expect(await take(frames)).toEqual({ type: 'session.sync', session: { session_id: ROOM, messages: [] } })
    expect(await take(frames)).toMatchObject({
      type: 'message.created',
      session_id: ROOM,
      message: { content: 'sent before the socket was open' },
    })
    await client.v1.chat.sessions({ session_id: ROOM }).messages.post({ role: 'assistant', content: 'posted' })
    expect(await take(frames)).toMatchObject({ message: { role: 'assistant', content: 'posted' } })
    watch.send({ role: 'user', content: ' ' })
    expect(await take(frames)).toMatchObject({ type: 'error', reason: 'invalid', errors: [{ loc: ['content'] }] })
    await client.v1.chat.sessions({ session_id: ROOM }).delete()
    expect(await take(frames)).toEqual({ type: 'session.cleared', session_id: ROOM })
  })

  test('is told that it became a chat, and that what comes later is not stored', async () => {
    const stores = memoryStores()
    const server = started(await startServer({ stores }), ({ close }) => close())
    const watch = started(watchSession(server.url, ROOM), (open) => open.close())
    watch.send({ role: 'user', content: 'hello' })
    const frames = watch[Symbol.asyncIterator]()
    await take(frames)
    await take(frames)
    const chatId = Bun.randomUUIDv7()
    await stores.sessions.seal({ owner: '', id: ROOM }, { chatId, accountId: crypto.randomUUID() })
    await stores.sessions.promoted({ owner: '', id: ROOM }, { chatId, seq: 3 })
    expect(await take(frames)).toEqual({ type: 'session.promoted', session_id: ROOM, chat_id: chatId, seq: 3 })
    watch.send({ role: 'user', content: 'late' })
    expect(await take(frames)).toMatchObject({ type: 'error', reason: 'session_promoted', errors: [] })
  })

  test('comes back when the server restarts, and is told anew', async () => {
    const { frames } = watchScript([closes('restart', sync('before')), sends(sync('before', 'while away'))])
    expect(await take(frames)).toEqual(sync('before'))
    expect(await take(frames)).toEqual(sync('before', 'while away'))
  })

  test.each(['storage_unavailable', 'internal', 'restart'] as const)('comes back after %s', async (why) => {
    const { frames } = watchScript([closes(why), sends(sync())])
    expect(await take(frames)).toEqual(sync())
  })

  test.each(['policy', 'frame_too_large', 'flooding'] as const)('ends with %s', async (why) => {
    const { server, watch } = watchScript([closes(why, sync())])
    const { frames, error } = await outcome(watch)
    expect(frames).toEqual([sync()])
    expect(error).toBeInstanceOf(SocketClosed)
    expect(error).toMatchObject({ code: CLOSE_CODES[why].code, message: CLOSE_CODES[why].reason })
    expect(server.paths).toHaveLength(1)
  })

  test('gives up after so many tries in a row that got nothing', async () => {
    const waits: number[] = []
    const delay = (retry: number) => {
      waits.push(retry)
      return 0
    }
    const acts = [closes('restart'), closes('restart', sync()), closes('restart')]
    const { watch } = watchScript(acts, { retries: 2, delay })
    const { frames, error } = await outcome(watch)
    expect(frames).toEqual([sync()])
    expect(error).toMatchObject({ name: 'SocketClosed', code: 1012 })
    // The frame began the count anew.
    expect(waits).toEqual([0, 0, 1])
  })

  test('ends when it is closed, also between two tries', async () => {
    const waiting = Promise.withResolvers<void>()
    const { watch, server } = watchScript([closes('restart')], {
      delay() {
        waiting.resolve()
        return 3_600_000
      },
    })
    const ended = outcome(watch)
    await waiting.promise
    watch.close()
    expect(await ended).toEqual({ frames: [] })
    expect(server.paths).toHaveLength(1)
    expect(() => watch.send({ role: 'user', content: 'late' })).toThrow('closed')
  })

  test('closes its socket when the loop is left', async () => {
    const { server, watch } = watchScript([sends(sync())])
    for await (const frame of watch) {
      expect(frame).toEqual(sync())
      break
    }
    expect(await server.closed).toBeGreaterThanOrEqual(1000)
  })

  test('starts afresh when its reader falls too far behind', async () => {
    const taken = Promise.withResolvers<void>()
    const flood = Array.from({ length: 1001 }, (_, index) => ({
      type: 'message.created',
      session_id: ROOM,
      message: message(String(index)),
    }))
    const floods: Act = (socket) => {
      sends(sync())(socket)
      void taken.promise.then(() => sends(...flood)(socket))
    }
    const { server, frames } = watchScript([floods, sends(sync('all of them'))])
    expect(await take(frames)).toEqual(sync())
    taken.resolve()
    await server.closed
    expect(await take(frames)).toEqual(sync('all of them'))
  })

  test('passes over frames of a kind it does not know, and throws at one that is broken', async () => {
    const { watch } = watchScript([sends({ type: 'session.renamed' }, sync(), { type: 'session.cleared' })])
    const { frames, error } = await outcome(watch)
    expect(frames).toEqual([sync()])
    expect(error).toMatchObject({ name: 'ZodError' })
  })

  test('carries the token of the moment in its address', async () => {
    let turn = 0
    const token = async () => {
      turn += 1
      return `a/${turn}`
    }
    const { frames, server } = watchScript([closes('restart'), sends(sync())], { token })
    await take(frames)
    expect(server.paths).toEqual([
      `/v1/chat/sessions/${ROOM}/ws?token=a%2F1`,
      `/v1/chat/sessions/${ROOM}/ws?token=a%2F2`,
    ])
  })

  test('does not hold more unsent messages than it says', () => {
    const watch = watchSession('http://localhost', ROOM)
    for (let index = 0; index < 100; index += 1) watch.send({ role: 'user', content: String(index) })
    expect(() => watch.send({ role: 'user', content: 'one more' })).toThrow('100 frames')
    watch.close()
  })
})
