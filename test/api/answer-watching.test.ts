import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { AnswerDelta, AnswerSnapshot } from '../../src/contract/answers.ts'
import { ChatEvent } from '../../src/contract/events.ts'
import { LiveServerFrame, Watching } from '../../src/contract/live.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { LiveClient } from '../support/live.ts'
import { type Person, personOf, signUp } from '../support/person.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'
import { sharedStores } from '../support/stores.ts'

setDefaultTimeout(60_000)

const Made = z.object({ id: z.string() })
const Frame = z.union([AnswerSnapshot, AnswerDelta, ChatEvent, z.looseObject({ type: z.string() })])

/** Puts an answer together from what a watcher is told, and sees that nothing of it is left out or told twice. */
class Reader {
  /** Resolves once it is told of the answer. */
  readonly told = Promise.withResolvers<void>()
  text: string | undefined
  ended: string | undefined

  /** Who comes after the end is told of it by the chat as it is. */
  #begin({ snapshot }: Watching): void {
    const answer = snapshot?.messages.findLast(({ sender_type }) => sender_type === 'assistant')
    if (answer !== undefined && !['pending', 'processing'].includes(answer.status)) this.ended = answer.content
  }

  take(frame: unknown): void {
    const told = Frame.parse(frame)
    if (told.type === 'watching') this.#begin(Watching.parse(told))
    if (told.type === 'answer.snapshot') {
      const { content, offset } = AnswerSnapshot.parse(told)
      expect(offset).toBe(content.length)
      this.text = content
      this.told.resolve()
    } else if (told.type === 'answer.delta') {
      const { content, offset } = AnswerDelta.parse(told)
      expect(offset).toBe(this.text?.length ?? -1)
      this.text += content
    } else if (told.type === 'answer.ended') {
      const event = ChatEvent.parse(told)
      if (event.type === 'answer.ended') this.ended = event.data.content
    }
  }
}

async function readSocket(client: LiveClient, reader = new Reader()): Promise<Reader> {
  while (reader.ended === undefined) reader.take(await client.socket.next())
  return reader
}

async function readStream(person: Person, chat: string): Promise<Reader> {
  const stop = new AbortController()
  const headers = { accept: 'text/event-stream' }
  const answer = await person.call(`/api/chats/${chat}/events`, { headers, signal: stop.signal })
  const reader = new Reader()
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of answer.body ?? []) {
    rest += decoder.decode(bytes, { stream: true })
    const events = rest.split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data !== undefined) reader.take(JSON.parse(data))
    }
    if (reader.ended !== undefined) break
  }
  stop.abort()
  return reader
}

for (const { kind, open } of testDatabases()) {
  describe.each(sharedStores)(`watching answers on ${kind} and $name`, ({ open: openStores }) => {
    let database: OpenedDatabase
    let here: TestServer
    let there: TestServer
    let ada: Person
    let elsewhere: Person
    const answerer = new ScriptedAnswerer()
    beforeAll(async () => {
      database = await open()
      const [first, second] = await openStores()
      here = await startServer({ database, stores: first, answerer })
      there = await startServer({ database, stores: second, answerer })
      ada = await signUp(here)
      elsewhere = personOf(there, ada)
    })
    afterAll(async () => {
      for (const run of answerer.runs) run.end()
      await here.close()
      await there.close()
      await database.close()
    })

    /** A chat in which a question was asked, and the run that answers it. */
    const asked = async () => {
      const chat = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json()).id
      const content = `question ${crypto.randomUUID()}`
      await ada.send(`/api/chats/${chat}/messages`, { content })
      return { chat, run: await answerer.run(content) }
    }
    const watch = async (server: TestServer, chat: string) => {
      const client = await LiveClient.open(server.ws, ada)
      client.send({ type: 'watch', chat_id: chat })
      return client
    }

    test('those who join at any time, anywhere, have the same text, and no character lost or doubled', async () => {
      const { chat, run } = await asked()
      const clients: LiveClient[] = []
      const readers: Promise<Reader>[] = []
      let text = ''
      for (let piece = 0; piece < 60; piece += 1) {
        const words = `${piece} ünd 👋🏽 `
        text += words
        run.say(words)
        if (piece % 6 === 0) {
          const client = await watch(piece % 12 === 0 ? here : there, chat)
          clients.push(client)
          readers.push(readSocket(client))
          readers.push(readStream(piece % 12 === 0 ? elsewhere : ada, chat))
        }
        if (piece % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      run.end()
      for (const reader of await Promise.all(readers)) {
        expect(reader.ended).toBe(text)
        // Whoever came after the end was told of it alone.
        if (reader.text !== undefined) expect(reader.text).toBe(text)
      }
      for (const client of clients) await client.close()
    })

    test('twenty watch, the twenty-first stops it, and all end in the same state', async () => {
      const { chat, run } = await asked()
      const clients = await Promise.all(
        Array.from({ length: 20 }, (_, index) => watch(index % 2 === 0 ? here : there, chat)),
      )
      const begun = clients.map(() => new Reader())
      const readers = clients.map((client, index) => readSocket(client, begun[index]))
      await Promise.all(begun.map(({ told }) => told.promise))
      for (let piece = 0; piece < 20; piece += 1) run.say(`${piece} `)
      const last = await LiveClient.open(there.ws, ada)
      await last.watch(chat)
      let frame: LiveServerFrame
      do frame = LiveServerFrame.parse(await last.socket.next())
      while (frame.type !== 'answer.snapshot' && frame.type !== 'answer.delta')
      last.send({ type: 'stop', chat_id: chat, message_id: frame.message_id })
      run.say('too late')
      const ends = await Promise.all(readers)
      expect(new Set(ends.map(({ ended }) => ended)).size).toBe(1)
      for (const { text, ended } of ends) expect(text).toBe(ended)
      for (const client of [...clients, last]) await client.close()
    })

    test('one that goes on is told with all that it said before', async () => {
      const { chat, run } = await asked()
      const client = await watch(there, chat)
      const first = readSocket(client)
      run.say('One,')
      run.fail(new Error('told to'))
      expect((await first).ended).toBe('One,')
      const messages = await here.chats.messages.page({ kind: 'service' }, chat, chat, { from: 'end', limit: 1 })
      await ada.send(`/api/chats/${chat}/messages/${messages[0]?.id}/continue`, {})
      const second = readSocket(client)
      const again = await answerer.run(run.request.message, 2)
      again.say(' two')
      again.end()
      const reader = await second
      expect(reader).toMatchObject({ text: 'One, two', ended: 'One, two' })
      await client.close()
    })
  })
}
