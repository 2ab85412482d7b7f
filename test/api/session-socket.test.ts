import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SessionServerFrame } from '../../src/contract/sessions.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { TestSocket } from '../support/socket.ts'
import { memoryStores, storeKinds } from '../support/stores.ts'

setDefaultTimeout(60_000)

const path = (session: string) => `/v1/chat/sessions/${session}`

for (const { name, open } of storeKinds) {
  describe(`the session socket on ${name}`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer({ stores: await open() })
    })
    afterAll(() => server.close())

    const watch = (session: string, headers?: Record<string, string>) =>
      new TestSocket(`${server.ws}${path(session)}/ws`, headers)
    const post = (session: string, content: string) =>
      server.post(`${path(session)}/messages`, { role: 'user', content })

    test('starts with the session, then tells of every message whatever its way in', async () => {
      await post('tour', 'before')
      const [one, two] = [watch('tour'), watch('tour')]
      for (const socket of [one, two]) {
        expect(await socket.next()).toMatchObject({
          type: 'session.sync',
          session: { session_id: 'tour', messages: [{ content: 'before' }] },
        })
      }
      await post('tour', 'by REST')
      for (const socket of [one, two]) {
        const frame = SessionServerFrame.parse(await socket.next())
        expect(frame).toMatchObject({ type: 'message.created', session_id: 'tour', message: { content: 'by REST' } })
      }
      one.send({ role: 'assistant', content: 'by socket' })
      for (const socket of [one, two]) {
        expect(await socket.next()).toMatchObject({
          type: 'message.created',
          message: { role: 'assistant', content: 'by socket' },
        })
      }
      await server.call(path('tour'), { method: 'DELETE' })
      for (const socket of [one, two]) {
        expect(await socket.next()).toEqual({ type: 'session.cleared', session_id: 'tour' })
        await socket.close()
      }
    })

    test('a bad frame is told to its sender only, and the socket stays open', async () => {
      const [sender, other] = [watch('frames'), watch('frames')]
      await Promise.all([sender.next(), other.next()])
      const bad = ['{"role"', '123', 'true', '[]', '"text"', '', '{"role":"user","content":" "}', '{"content":"x"}']
      for (const frame of [...bad, new Uint8Array([1, 2]), `"${'a'.repeat(70_000)}"`]) {
        sender.send(frame)
        const answer = SessionServerFrame.parse(await sender.next())
        if (answer.type !== 'error') throw new Error(`${answer.type} instead of an error`)
        expect(answer.detail).toBe('Invalid message payload.')
        expect(answer.errors.length).toBeGreaterThan(0)
      }
      sender.send({ role: 'user', content: 'still here' })
      expect(await other.next()).toMatchObject({ type: 'message.created', message: { content: 'still here' } })
      await Promise.all([sender.close(), other.close()])
    })

    test('1,000 frames of one socket are handled in order', async () => {
      const socket = watch('order')
      await socket.next()
      for (let number = 0; number < 1000; number += 1) socket.send({ role: 'user', content: String(number) })
      const frames = (await socket.take(1000)).map((frame) => SessionServerFrame.parse(frame))
      const contents = frames.map((frame) => (frame.type === 'message.created' ? frame.message.content : frame.type))
      expect(contents).toEqual(Array.from({ length: 1000 }, (_, number) => String(number)))
      await socket.close()
    })

    test('whoever joins while others post sees each message once, in order', async () => {
      const total = 150
      const posting = (async () => {
        for (let number = 0; number < total; number += 1) await post('join', String(number))
      })()
      const expected = Array.from({ length: total }, (_, number) => String(number))
      const watchers = Array.from({ length: 20 }, async (_, index) => {
        // Joins are spread over the posts: each waits for its own share of them.
        for (let turn = 0; turn < index; turn += 1) await server.call(`${path('join')}/messages`)
        const socket = watch('join')
        const seen: string[] = []
        const sync = SessionServerFrame.parse(await socket.next())
        if (sync.type !== 'session.sync') throw new Error(`${sync.type} came first`)
        for (const message of sync.session.messages) seen.push(message.content)
        while (seen.length < total) {
          const frame = SessionServerFrame.parse(await socket.next())
          if (frame.type !== 'message.created') throw new Error(`unexpected ${frame.type}`)
          seen.push(frame.message.content)
        }
        await socket.close()
        expect(seen).toEqual(expected)
      })
      await Promise.all([posting, ...watchers])
    })

    test('a foreign origin gets no socket, its own and none do', async () => {
      const refused = watch('origin', { origin: 'https://evil.example' })
      await expect(refused.opened).rejects.toThrow()
      const response = await server.call(`${path('origin')}/ws`, { headers: { origin: 'https://evil.example' } })
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({ reason: 'origin_forbidden' })
      for (const origin of ['http://localhost:3000', undefined]) {
        const socket = watch('origin', origin === undefined ? {} : { origin })
        expect(await socket.next()).toMatchObject({ type: 'session.sync' })
        await socket.close()
      }
    })
  })
}

test('a socket that sends faster than its frames can be handled is closed with its code', async () => {
  const stores = memoryStores()
  const held = Promise.withResolvers<number>()
  stores.sessions.append = () => held.promise
  const server = await startServer({ stores })
  const socket = new TestSocket(`${server.ws}${path('flood')}/ws`)
  await socket.next()
  for (let number = 0; number < 2000; number += 1) socket.send({ role: 'user', content: 'again' })
  expect((await socket.closed).code).toBe(4429)
  held.resolve(1)
  await server.close()
})

test('a server that stops closes its sockets with 1012', async () => {
  const server = await startServer()
  const socket = new TestSocket(`${server.ws}${path('stop')}/ws`)
  await socket.next()
  await server.close()
  expect(await socket.closed).toEqual({ code: 1012, reason: 'The server is restarting' })
})
