import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { z } from 'zod'
import type { Router } from '../../client/src/trpc.ts'
import { Answering, ChatAnswering, NO_ANSWERING, toldAnswering } from '../../src/contract/answering.ts'
import { EventPage } from '../../src/contract/chat-calls.ts'
import { Message } from '../../src/contract/chats.ts'
import { ChatDocument } from '../../src/contract/transfer.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { LiveClient } from '../support/live.ts'
import { refusalOf } from '../support/people.ts'
import { type Person, personOf, signUp } from '../support/person.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const Made = z.object({ id: z.string() })

for (const { kind, open } of testDatabases()) {
  describe(`how a chat is answered, on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    /** Over the same database, with one answerer less. */
    let poorer: TestServer
    let ada: Person
    const [first, second] = [new ScriptedAnswerer('openai'), new ScriptedAnswerer('callback')]
    beforeAll(async () => {
      database = await open()
      const env = { AI_SYSTEM_PROMPT: 'Be brief.' }
      server = await startServer({ database, answerer: first, otherAnswerers: [second], env })
      poorer = await startServer({ database, answerer: first })
      ada = await signUp(server)
    })
    afterAll(async () => {
      for (const run of [...first.runs, ...second.runs]) run.end()
      await Promise.all([server.close(), poorer.close()])
      await database.close()
    })

    const newChat = async () => Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json()).id
    const path = (chat: string) => `/api/chats/${chat}/answering`
    const told = (said: object) => toldAnswering(Answering.parse(said))
    const change = (chat: string, body: object) => ada.send(path(chat), body, 'PATCH')
    const events = async (chat: string) =>
      EventPage.parse(await (await ada.call(`/api/chats/${chat}/events?after=2`)).json()).events
    const say = async (chat: string, content: string, more: object = {}) =>
      Message.parse(await (await ada.send(`/api/chats/${chat}/messages`, { content, ...more })).json())

    test('is as the server does it, until the chat says something else, and again once it takes that back', async () => {
      const chat = await newChat()
      const answerers = ['openai', 'callback']
      expect(await (await ada.call(path(chat))).json()).toEqual({ ...NO_ANSWERING, answerers })
      const said = { answerer: 'callback', system_prompt: 'Answer in rhyme.', history_messages: 2, history_length: 20 }
      const changed = await change(chat, said)
      expect([changed.status, await changed.json()]).toEqual([200, { ...said, answerers }])
      expect(await (await change(chat, said)).json()).toEqual({ ...said, answerers })
      expect(await (await change(chat, {})).json()).toEqual({ ...said, answerers })
      const left = { ...said, system_prompt: null }
      expect(ChatAnswering.parse(await (await change(chat, { system_prompt: null })).json())).toMatchObject(left)
      // What changed nothing is no event.
      expect(await events(chat)).toMatchObject([
        { seq: 3, type: 'answering.changed', data: told(said) },
        { seq: 4, type: 'answering.changed', data: told(left) },
      ])
      const live = await LiveClient.open(server.ws, ada)
      expect((await live.watch(chat)).snapshot).toMatchObject({ answering: told(left) })
      await live.close()
      const trpc = createTRPCClient<Router>({
        links: [httpBatchLink({ url: `${server.url}/trpc`, headers: ada.headers })],
      })
      await trpc.answers.configure.mutate({ chat_id: chat, history_length: null })
      expect(await trpc.answers.settings.query({ chat_id: chat })).toMatchObject({ ...left, history_length: null })
    })

    test('chooses who is asked, what it is told, and how much of what was said', async () => {
      const chat = await newChat()
      for (const content of ['one', 'two', 'three', 'four']) await say(chat, content, { answer: false })
      await say(chat, `first ${chat}`)
      const usual = await first.run(`first ${chat}`)
      expect(usual.request).toMatchObject({ systemPrompt: 'Be brief.', history: { length: 4 } })
      await change(chat, {
        answerer: 'callback',
        system_prompt: 'Answer in rhyme.',
        history_messages: 4,
        history_length: 9,
      })
      usual.say('done')
      usual.end()
      // One that was asked for before goes on as it began.
      await until(async () => (await events(chat)).some(({ type }) => type === 'answer.ended'))
      for (const content of ['five', 'six']) await say(chat, content, { answer: false })
      await say(chat, `second ${chat}`)
      const { request } = await second.run(`second ${chat}`)
      expect(request.systemPrompt).toBe('Answer in rhyme.')
      expect(request.history.map(({ content }) => content)).toEqual(['five', 'six'])
      await change(chat, { history_messages: 0 })
      await ada.send(`/api/chats/${chat}/messages/${request.messageId}/stop`, {})
      await say(chat, `third ${chat}`)
      expect((await second.run(`third ${chat}`)).request.history).toEqual([])
    })

    test('refuses what is out of bounds, and who is not there', async () => {
      const chat = await newChat()
      const bad = [
        { answerer: 'nobody' },
        { answerer: 5 },
        { system_prompt: ' ' },
        { system_prompt: 'a\0b' },
        { system_prompt: '\ud800' },
        { system_prompt: 'a'.repeat(16_385) },
        { history_messages: -1 },
        { history_messages: 201 },
        { history_messages: 1.5 },
        { history_length: 131_073 },
      ]
      for (const body of bad)
        expect(await refusalOf(await change(chat, body))).toEqual({ status: 422, reason: 'invalid' })
      expect(await refusalOf(await change(chat, { answerer: 'demo' }))).toEqual({
        status: 409,
        reason: 'answerer_missing',
      })
      expect(await events(chat)).toEqual([])
    })

    test('an answerer that is not there any more is named as the reason, and nobody else is asked', async () => {
      const chat = await newChat()
      await change(chat, { answerer: 'callback' })
      const elsewhere = personOf(poorer, ada)
      const content = `who ${chat}`
      expect((await elsewhere.send(`/api/chats/${chat}/messages`, { content })).status).toBe(200)
      const ended = async () => (await events(chat)).find(({ type }) => type === 'answer.ended')
      await until(async () => (await ended()) !== undefined)
      expect(await ended()).toMatchObject({
        data: { status: 'failed', error: 'This server has no such answerer any more.' },
      })
      expect(first.runs.some(({ request }) => request.message === content)).toBe(false)
    })

    test('goes along with the chat, but for an answerer that is not there', async () => {
      const chat = await newChat()
      const said = {
        answerer: 'callback',
        system_prompt: 'Answer in rhyme.',
        history_messages: 2,
        history_length: null,
      }
      await change(chat, said)
      const document = ChatDocument.parse(await (await ada.call(`/api/chats/${chat}/export`)).json())
      expect(document.chat.answering).toEqual({ ...NO_ANSWERING, ...said, answerer: 'callback' })
      const copies = [ada, personOf(poorer, ada)].map(async (person) => {
        const { id } = Made.parse(await (await person.send('/api/chats/import', document)).json())
        return { events: await events(id), own: await (await person.call(path(id))).json() }
      })
      const [same, without] = await Promise.all(copies)
      expect(same?.own).toMatchObject(said)
      expect(same?.events).toMatchObject([{ type: 'branch.created' }])
      expect(without?.own).toMatchObject({ ...said, answerer: null })
      const { answering: _, ...older } = document.chat
      const { id } = Made.parse(await (await ada.send('/api/chats/import', { ...document, chat: older })).json())
      expect(await (await ada.call(path(id))).json()).toMatchObject(NO_ANSWERING)
    })

    test('what an answer cites and has cost goes along, and it can be made once more where it comes', async () => {
      const chat = await newChat()
      await say(chat, `why ${chat}`)
      const run = await first.run(`why ${chat}`)
      run.say('So.')
      run.give({ type: 'source', source: { title: 'A book', url: 'https://example.com/book', content: 'It says so.' } })
      run.give({ type: 'source', source: { title: 't'.repeat(5000), url: `https://example.com/${'u'.repeat(5000)}` } })
      run.give({ type: 'usage', usage: { input_tokens: 3, output_tokens: 2 } })
      run.end()
      await until(async () => (await events(chat)).some(({ type }) => type === 'answer.ended'))
      const document = ChatDocument.parse(await (await ada.call(`/api/chats/${chat}/export`)).json())
      const [question, answer] = document.messages
      expect(answer).toMatchObject({
        sources: [
          { title: 'A book', url: 'https://example.com/book', content: 'It says so.' },
          { title: 't'.repeat(1000) },
        ],
        answer: {
          question_id: question?.id,
          answerer: 'openai',
          usage: { input_tokens: 3, output_tokens: 2 },
          error: null,
        },
      })
      const { id } = Made.parse(await (await ada.send('/api/chats/import', document)).json())
      const copy = ChatDocument.parse(await (await ada.call(`/api/chats/${id}/export`)).json())
      expect(copy.messages[1]).toMatchObject({
        ...answer,
        id: copy.messages[1]?.id,
        branch_id: id,
        answer: { usage: { input_tokens: 3 } },
      })
      const again = await ada.send(`/api/chats/${id}/messages/${copy.messages[1]?.id}/regenerate`, {})
      expect(again.status).toBe(201)
      expect((await first.run(`why ${chat}`, 2)).request.chatId).toBe(id)

      await server.chats.messages.remove({ kind: 'service' }, id, copy.messages[1]?.id ?? '')
      const log = await (await ada.call(`/api/chats/${id}/events`)).text()
      expect(log).not.toContain('It says so.')
      const lost = { ...document, messages: document.messages.slice(1).map((one) => ({ ...one, position: 1 })) }
      expect(await refusalOf(await ada.send('/api/chats/import', lost))).toEqual({ status: 422, reason: 'invalid' })
    })

    test('a prompt is not told to others who may read the chat', async () => {
      const [chat, customer] = [await newChat(), await signUp(server, 'customer')]
      await change(chat, { system_prompt: 'Be secretive.', history_messages: 3 })
      await database.sql`UPDATE chats SET customer_id = ${customer.user.id}, handling = 'assistant' WHERE id = ${chat}`
      server.chats.access.changed(chat)
      const read = async (path: string) => (await customer.call(`/api/chats/${chat}${path}`)).text()
      expect(await refusalOf(await customer.call(path(chat)))).toEqual({ status: 403, reason: 'forbidden' })
      const live = await LiveClient.open(server.ws, customer)
      const told = [await read('/export'), await read('/events'), JSON.stringify(await live.watch(chat))]
      await live.close()
      for (const text of told) {
        expect(text).toContain('"history_messages":3')
        expect(text).not.toContain('Be secretive.')
      }
      expect(await (await ada.call(`/api/chats/${chat}/export`)).text()).toContain('Be secretive.')
    })
  })
}
