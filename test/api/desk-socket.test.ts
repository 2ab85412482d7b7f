import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { DemoAnswerer } from '../../src/adapters/answerers/demo.ts'
import { ChatPage } from '../../src/contract/chat-calls.ts'
import { DeskMessage, DeskSession } from '../../src/contract/desk.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { signUp } from '../support/person.ts'
import { randomPrefix, testRedisUrl } from '../support/redis.ts'
import { TestSocket } from '../support/socket.ts'
import { redisStores } from '../support/stores.ts'

setDefaultTimeout(60_000)

const base = '/api/sessions'
/** What the server sends of a message, and nothing more. */
const Told = z.strictObject({ session_id: z.string(), message: DeskMessage.omit({ session_id: true }).strict() })
const Refused = z.strictObject({ error: z.string().min(1) })

const ws = (server: TestServer, id: string) => `${server.ws}/ws/${encodeURIComponent(id)}`
const make = (server: TestServer, id: string) => server.post(base, { id, title: id })
const say = (server: TestServer, id: string, content: string, sender = 'assistant') =>
  server.post(`${base}/${id}/messages`, { content, sender })
const read = async (server: TestServer, id: string) =>
  DeskSession.parse(await (await server.call(`${base}/${id}`)).json()).messages

async function watch(server: TestServer, id: string, headers?: Record<string, string>): Promise<TestSocket> {
  const socket = new TestSocket(ws(server, id), headers)
  await socket.opened
  return socket
}

async function next(socket: TestSocket) {
  return Told.parse(await socket.next()).message
}

async function take(socket: TestSocket, count: number) {
  return (await socket.take(count)).map((frame) => Told.parse(frame).message)
}

for (const { kind, open } of testDatabases()) {
  describe(`the desk socket on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    beforeAll(async () => {
      database = await open()
      server = await startServer({ database, answerer: new DemoAnswerer() })
    })
    afterAll(async () => {
      await server.close()
      await database.close()
    })

    test('tells all of a session’s sockets of every message, whatever its way in, and of the answer', async () => {
      await make(server, 'tour & détour')
      await make(server, 'elsewhere')
      const sockets = [await watch(server, 'tour & détour'), await watch(server, 'tour & détour')]
      const other = await watch(server, 'elsewhere')
      const posted = await say(server, encodeURIComponent('tour & détour'), 'by REST')
      const { session_id, ...message } = DeskMessage.parse(await posted.json())
      for (const socket of sockets) expect(await socket.next()).toEqual({ session_id, message })

      sockets[0]?.send({ content: 'by socket', timestamp: '2025-11-30T12:00:00' })
      for (const socket of sockets) {
        const said = await next(socket)
        expect(said).toMatchObject({ content: 'by socket', sender: 'user', timestamp: '2025-11-30T12:00:00' })
        expect(said.id).toBeGreaterThan(message.id)
        const answer = await next(socket)
        expect(answer).toMatchObject({ sender: 'assistant', content: expect.stringContaining('“by socket”') })
        expect(answer.id).toBeGreaterThan(said.id)
      }
      await say(server, 'elsewhere', 'the first')
      expect(await next(other)).toMatchObject({ content: 'the first' })
      expect(await read(server, encodeURIComponent('tour & détour'))).toHaveLength(3)
      await Promise.all([...sockets, other].map((socket) => socket.close()))
    })

    test('answers a frame that it cannot take, to its sender only, and stays open', async () => {
      await make(server, 'frames')
      const [sender, other] = [await watch(server, 'frames'), await watch(server, 'frames')]
      const good = { content: 'hi' }
      const bad = [
        ...['{"content"', '123', 'null', '[]', '"text"', ''],
        ...[{ content: ' ' }, { content: 'a\0b' }, { content: 5 }, { content: 'a'.repeat(32_769) }, {}],
        ...[
          { ...good, sender: 'system' },
          { ...good, sender: null },
          { ...good, timestamp: 'yesterday' },
        ],
      ]
      for (const frame of [...bad, new Uint8Array([1, 2]), `"${'a'.repeat(70_000)}"`, `"${'a'.repeat(1_000_000)}"`]) {
        sender.send(frame)
        Refused.parse(await sender.next())
      }
      sender.send({ content: 'still here', sender: 'assistant', id: 5, session_id: 'elsewhere' })
      expect(await next(other)).toMatchObject({ content: 'still here' })
      expect(await next(sender)).toMatchObject({ content: 'still here' })
      expect(await read(server, 'frames')).toHaveLength(1)
      await Promise.all([sender.close(), other.close()])
    })

    test('handles 1,000 frames of one socket in order', async () => {
      await make(server, 'order')
      const socket = await watch(server, 'order')
      const contents = Array.from({ length: 1000 }, (_, number) => String(number))
      for (const content of contents) socket.send({ content, sender: 'assistant' })
      const told = await take(socket, 1000)
      expect(told.map(({ content }) => content)).toEqual(contents)
      expect(told).toEqual(told.toSorted((one, other) => one.id - other.id))
      await socket.close()
    })

    test('tells whoever joins while others speak of each message once, in order', async () => {
      await make(server, 'join')
      const total = 150
      const speaking = (async () => {
        for (let number = 1; number <= total; number += 1) await say(server, 'join', String(number))
      })()
      const watchers = Array.from({ length: 15 }, async (_, index) => {
        for (let turn = 0; turn < index; turn += 1) await read(server, 'join')
        const before = (await read(server, 'join')).length
        const socket = await watch(server, 'join')
        const first = Number((await next(socket)).content)
        // Nothing of what was there before it came, and nothing left out since.
        expect(first).toBeGreaterThan(before)
        const later = await take(socket, total - first)
        expect(later.map(({ content }) => Number(content))).toEqual(
          Array.from({ length: total - first }, (_, after) => first + 1 + after),
        )
        await socket.close()
      })
      await Promise.all([speaking, ...watchers])
    })

    test('is refused for a session that is not there, or that is not one, and for a foreign origin', async () => {
      await make(server, 'origin')
      const upgrade = (headers = {}) => ({
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
          'sec-websocket-version': '13',
          ...headers,
        },
      })
      const answers: [string, object, number, string][] = [
        ['nowhere', {}, 404, 'session_missing'],
        ['a%0Ab', {}, 422, 'invalid'],
        ['origin', { origin: 'https://evil.example' }, 403, 'origin_forbidden'],
      ]
      for (const [id, headers, status, reason] of answers) {
        const answer = await server.call(`/ws/${id}`, upgrade(headers))
        expect([answer.status, await answer.json()]).toMatchObject([status, { reason }])
      }
      expect((await server.call('/ws/origin')).status).toBe(426)
      await expect(new TestSocket(ws(server, 'nowhere')).opened).rejects.toThrow()
    })

    test('that is not public belongs to its account, hears its other doors, and ends with its token', async () => {
      const closed = await startServer({ database, env: { PUBLIC_APIS: 'sessions' } })
      const [ada, bob] = [await signUp(closed, 'ada'), await signUp(closed, 'bob')]
      await ada.send(base, { id: 'own', title: 'Own desk' })
      for (const headers of [{}, bob.headers]) {
        await expect(new TestSocket(ws(closed, 'own'), headers).opened).rejects.toThrow()
      }
      const socket = await watch(closed, 'own', ada.headers)
      const { items } = ChatPage.parse(await (await ada.call('/api/chats')).json())
      await ada.send(`/api/chats/${items[0]?.id}`, { title: 'Renamed' }, 'PATCH')
      await ada.send(`/api/chats/${items[0]?.id}/messages`, { content: 'by the native door' })
      expect(await next(socket)).toMatchObject({ content: 'by the native door', sender: 'user' })
      await ada.call(`/api/chats/${items[0]?.id}`, { method: 'DELETE' })
      socket.send({ content: 'late' })
      expect(await socket.next()).toEqual({ error: 'Session not found' })
      await ada.call('/api/auth/logout', { method: 'POST' })
      expect((await socket.closed).code).toBe(4401)
      await closed.close()
    })

    test.skipIf(!testRedisUrl)('hears on one instance what was said on another', async () => {
      const prefix = randomPrefix()
      const stores = () => redisStores(testRedisUrl ?? '', prefix)
      const here = await startServer({ database, stores: await stores(), answerer: new DemoAnswerer() })
      const there = await startServer({ database, stores: await stores(), answerer: new DemoAnswerer() })
      await make(here, 'shared')
      const sockets = [await watch(here, 'shared'), await watch(there, 'shared')]
      const total = 60
      await Promise.all(
        Array.from({ length: total }, (_, number) => say(number % 2 === 0 ? here : there, 'shared', String(number))),
      )
      const [one, two] = await Promise.all(sockets.map((socket) => take(socket, total)))
      expect(one).toEqual(two ?? [])
      expect((await read(there, 'shared')).map(({ id }) => id)).toEqual((one ?? []).map(({ id }) => id))
      sockets[1]?.send({ content: 'anybody there?' })
      for (const socket of sockets) {
        expect((await take(socket, 2)).map(({ sender }) => sender)).toEqual(['user', 'assistant'])
        await socket.close()
      }
      await Promise.all([here.close(), there.close()])
    })
  })
}
