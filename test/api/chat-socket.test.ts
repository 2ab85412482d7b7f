import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { ChatSocketServerFrame } from '../../src/contract/chat-socket.ts'
import { Message } from '../../src/contract/chats.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { type Person, personOf, signUp } from '../support/person.ts'
import { ScriptedAnswerer, type ScriptedRun } from '../support/scripted-answerer.ts'
import { TestSocket } from '../support/socket.ts'
import { sharedStores } from '../support/stores.ts'

setDefaultTimeout(60_000)

const Made = z.object({ id: z.string() })
const SOURCE = { title: 'A book', url: 'https://example.com/book', content: 'It says so.' }

/** A client as the documents have it: what it knows of each message is what the frames make of it. */
class Client {
  readonly socket: TestSocket
  readonly texts = new Map<string, string>()

  constructor(server: TestServer, chat: string, token: string) {
    this.socket = new TestSocket(`${server.ws}/ws/chat/${chat}?${new URLSearchParams({ token })}`)
  }

  send(frame: string | object): void {
    this.socket.send(frame)
  }

  async next(): Promise<ChatSocketServerFrame> {
    const frame = ChatSocketServerFrame.parse(await this.socket.next())
    if (!('type' in frame)) return frame
    if (frame.type === 'stream_content') this.texts.set(frame.message_id, frame.content)
    if (frame.type === 'chunk')
      this.texts.set(frame.message_id, (this.texts.get(frame.message_id) ?? '') + frame.content)
    return frame
  }

  /** Reads up to the end of an answer; resolves to what it is by then. */
  async answer(): Promise<string | undefined> {
    let frame: ChatSocketServerFrame
    do frame = await this.next()
    while (!('type' in frame && frame.type === 'complete'))
    return this.texts.get(frame.message_id)
  }

  close(): Promise<void> {
    return this.socket.close()
  }
}

for (const { kind, open } of testDatabases()) {
  describe.each(sharedStores)(`the socket of a chat on ${kind} and $name`, ({ open: openStores }) => {
    let database: OpenedDatabase
    let here: TestServer
    let there: TestServer
    let ada: Person
    const answerer = new ScriptedAnswerer()
    beforeAll(async () => {
      database = await open()
      const [first, second] = await openStores()
      here = await startServer({ database, stores: first, answerer })
      there = await startServer({ database, stores: second, answerer })
      ada = await signUp(here)
    })
    afterAll(async () => {
      for (const run of answerer.runs) run.end()
      await here.close()
      await there.close()
      await database.close()
    })

    const newChat = async () => Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json()).id
    const ask = async (chat: string): Promise<ScriptedRun> => {
      const content = `question ${crypto.randomUUID()}`
      await ada.send(`/api/chats/${chat}/messages`, { content })
      return answerer.run(content)
    }
    const read = async (chat: string, id: string) =>
      Message.parse(await (await ada.call(`/api/chats/${chat}/messages/${id}`)).json())
    const connect = async (server: TestServer, chat: string, { access_token } = ada) => {
      const client = new Client(server, chat, access_token)
      await client.socket.opened
      client.send({ type: 'ping' })
      expect(await client.next()).toEqual({ type: 'pong', timestamp: null })
      return client
    }

    test('tells of every answer of its chat, asked for or not, on any instance', async () => {
      const [chat, other] = [await newChat(), await newChat()]
      const clients = [await connect(here, chat), await connect(there, chat)]
      const elsewhere = await connect(there, other)
      const run = await ask(chat)
      const { messageId: message_id } = run.request
      run.say('Hello, ')
      for (const client of clients)
        expect(await client.next()).toEqual({ type: 'chunk', message_id, content: 'Hello, ' })
      run.say('wörld 👋🏽')
      run.give({ type: 'source', source: SOURCE })
      run.end()
      for (const client of clients) {
        expect(await client.answer()).toBe('Hello, wörld 👋🏽')
        await client.close()
      }
      const { sources, status } = await read(chat, message_id)
      expect(status).toBe('completed')
      const late = await connect(here, chat)
      late.send({ type: 'stream_request', message_id })
      expect(await late.next()).toEqual({ type: 'stream_content', message_id, content: 'Hello, wörld 👋🏽' })
      expect(await late.next()).toEqual({ type: 'complete', message_id, sources })
      expect(sources).toMatchObject([SOURCE])
      elsewhere.send({ type: 'ping', timestamp: 1635000000000 })
      expect(await elsewhere.next()).toEqual({ type: 'pong', timestamp: 1635000000000 })
      await Promise.all([late.close(), elsewhere.close()])
    })

    test('goes on exactly where the content ended that was asked for, whenever that is', async () => {
      const chat = await newChat()
      const run = await ask(chat)
      const { messageId: message_id } = run.request
      const clients: Client[] = []
      let text = ''
      for (let piece = 0; piece < 60; piece += 1) {
        const words = `${piece} ünd 👋🏽 `
        text += words
        run.say(words)
        if (piece % 6 === 0) {
          const client = new Client(piece % 12 === 0 ? here : there, chat, ada.access_token)
          clients.push(client)
          void client.socket.opened.then(() => client.send({ type: 'stream_request', message_id }))
        }
        // Those that are there already ask once more.
        if (piece % 6 === 3)
          await clients[0]?.socket.opened.then(() => clients[0]?.send({ type: 'stream_request', message_id }))
        if (piece % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      run.end()
      const ends = clients.map(async (client) => {
        do await client.answer()
        while (client.texts.get(message_id) !== text)
      })
      await Promise.all(ends)
      for (const client of clients) {
        client.send({ type: 'ping', timestamp: 'last' })
        let frame: ChatSocketServerFrame
        do frame = await client.next()
        while (!('type' in frame && frame.type === 'pong'))
        expect(client.texts.get(message_id)).toBe(text)
        await client.close()
      }
    })

    test('an answer that is stopped, fails, goes on, or waits ends for its clients as well', async () => {
      const chat = await newChat()
      const client = await connect(there, chat)
      const stopped = await ask(chat)
      const { messageId } = stopped.request
      stopped.say('One,')
      await client.next()
      const waiting = `question ${crypto.randomUUID()}`
      await ada.send(`/api/chats/${chat}/messages`, { content: waiting })
      await ada.send(`/api/chats/${chat}/messages/${messageId}/stop`, {})
      expect(await client.answer()).toBe('One,')

      const failing = await answerer.run(waiting)
      failing.fail(new Error('told to'))
      expect(await client.next()).toMatchObject({
        type: 'complete',
        message_id: failing.request.messageId,
        sources: [],
      })

      await ada.send(`/api/chats/${chat}/messages/${messageId}/continue`, {})
      const again = await answerer.run(stopped.request.message, 2)
      again.say(' two')
      again.end()
      expect(await client.answer()).toBe('One, two')
      await client.close()
    })

    test('answers what it cannot take with an error, and stays open', async () => {
      const chat = await newChat()
      const client = await connect(here, chat)
      const errors: [string | object, string][] = [
        ...['{"type"', '', '123', 'null', '[]', '"text"'].map((frame): [string, string] => [
          frame,
          'Invalid JSON format',
        ]),
        [{ type: 'stream_request' }, 'Missing message_id'],
        [{ type: 'stream_request', message_id: null }, 'Missing message_id'],
        [{ type: 'stream_request', message_id: 'none' }, 'Message not found'],
        [{ type: 'stream_request', message_id: crypto.randomUUID() }, 'Message not found'],
        [{ type: 'zz' }, 'Unknown message type: zz'],
        [{}, 'Unknown message type: None'],
        [`"${'a'.repeat(70_000)}"`, 'A frame is text of at most 65536 bytes.'],
      ]
      for (const [frame, error] of errors) {
        client.send(frame)
        expect(await client.next()).toEqual({ error })
      }
      client.send({ type: 'ping', timestamp: 7 })
      expect(await client.next()).toEqual({ type: 'pong', timestamp: 7 })
      await client.close()
    })

    test('turns away whoever has no good token, or no such chat, with 1008', async () => {
      const [chat, bob] = [await newChat(), await signUp(here, 'bob')]
      const turned: [string, string][] = [
        [chat, ''],
        [chat, 'not-a-token'],
        [chat, bob.access_token],
        [crypto.randomUUID(), ada.access_token],
        ['no-chat', ada.access_token],
      ]
      for (const [id, token] of turned) {
        const client = new Client(here, id, token)
        expect((await client.socket.closed).code).toBe(1008)
      }
      await here.accounts.amend({ kind: 'service' }, bob.user.id, { role: 'admin' })
      const login = { username: bob.user.username, password: bob.password }
      const again = z
        .object({ access_token: z.string() })
        .parse(await (await here.post('/api/auth/login', login)).json())
      await (await connect(there, chat, { ...bob, ...again })).close()
    })

    test('ends with its token and with its chat, wherever those end', async () => {
      const person = await signUp(here, 'grace')
      const makes = async () => Made.parse(await (await person.send('/api/chats', { title: 'Own' })).json()).id
      const [deleted, kept] = [await makes(), await makes()]
      const [first, last] = [await connect(here, deleted, person), await connect(here, kept, person)]
      await personOf(there, person).call(`/api/chats/${deleted}`, { method: 'DELETE' })
      expect((await first.socket.closed).code).toBe(1008)
      await personOf(there, person).call('/api/auth/logout', { method: 'POST' })
      expect((await last.socket.closed).code).toBe(4401)
    })
  })

  test(`the socket of a chat on ${kind} ends once its client falls silent`, async () => {
    const database = await open()
    const server = await startServer({ database, env: { CHAT_SOCKET_SILENT_SECONDS: '1' } })
    const person = await signUp(server)
    const chat = Made.parse(await (await person.send('/api/chats', { title: 'Talk' })).json()).id
    const client = new Client(server, chat, person.access_token)
    expect(await client.next()).toMatchObject({ type: 'timeout', message: expect.any(String) })
    expect((await client.socket.closed).code).toBe(1000)
    await server.close()
    await database.close()
  })
}
