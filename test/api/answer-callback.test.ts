import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { APOLOGY, CallbackAnswerer } from '../../src/adapters/answerers/callback.ts'
import { Outgoing } from '../../src/adapters/outgoing.ts'
import { Message, SOURCE_MAX } from '../../src/contract/chats.ts'
import { CallbackTokens } from '../../src/domain/answers/callback-tokens.ts'
import type { AnswerLimits } from '../../src/domain/answers/limits.ts'
import { TEST_SECRET } from '../support/accounts.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { LiveClient } from '../support/live.ts'
import { refusalOf } from '../support/people.ts'
import { type Person, signUp } from '../support/person.ts'
import { storeKinds } from '../support/stores.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const Made = z.object({ id: z.string() })
const Asked = z.object({
  message: z.string(),
  conversation_history: z.array(z.object({ role: z.string(), content: z.string() })),
  callback_url: z.string(),
})
type Asked = z.infer<typeof Asked>

/** The AI service: it takes what it is asked, unless it is told not to. */
function startService() {
  const asked: (Asked & { key: string | null })[] = []
  let status = 200
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const body = Asked.parse(await request.json())
      if (status === 200) asked.push({ ...body, key: request.headers.get('x-api-key') })
      return new Response('{}', { status })
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/process`,
    asked,
    answersWith(next: number) {
      status = next
    },
    async question(message: string, count = 1) {
      const found = () => asked.filter((one) => one.message === message)
      await until(() => found().length >= count, message)
      const one = found().at(-1)
      if (one === undefined) throw new Error('It is there.')
      return one
    },
    stop: () => server.stop(true),
  }
}

for (const { kind, open } of testDatabases()) {
  describe.each(storeKinds)(`the AI service's callbacks on ${kind} and $name`, ({ open: openStores }) => {
    let database: OpenedDatabase
    let server: TestServer
    let ada: Person
    const service = startService()
    const tokens = new CallbackTokens([TEST_SECRET])
    beforeAll(async () => {
      database = await open()
      const answerer = new CallbackAnswerer(new Outgoing({ allowPrivate: true }), {
        url: service.url,
        apiKey: 'key-of-the-service',
        callbackUrl: (request) =>
          `/api/chats/${request.chatId}/messages/${request.messageId}/callback?token=${tokens.token(request, request.limits.endsAt)}`,
      })
      const answerLimits = { retryMs: 1, beatMs: 10, firstMs: 30_000, betweenMs: 30_000 }
      server = await startServer({ database, stores: await openStores(), answerer, answerLimits })
      ada = await signUp(server)
    })
    afterAll(async () => {
      await server.close()
      await database.close()
      await service.stop()
    })

    const newChat = async () => Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json()).id
    const answerIn = async (chat: string) => {
      const page = z.object({ messages: z.array(Message) }).parse(await (await ada.call(`/api/chats/${chat}`)).json())
      const last = page.messages.at(-1)
      if (last?.sender_type !== 'assistant') throw new Error('There is no answer.')
      return last
    }
    const ask = async (chat: string) => {
      const content = `question ${crypto.randomUUID()}`
      await ada.send(`/api/chats/${chat}/messages`, { content })
      return content
    }
    const asked = async () => {
      const chat = await newChat()
      const content = await ask(chat)
      const { callback_url: url } = await service.question(content)
      return { chat, url, say: (body: object) => server.post(url, body) }
    }

    test('may ask for a person to go on, with what was said or other words', async () => {
      for (const [said, content] of [
        [{ type: 'hand_over' }, 'One moment: '],
        [{ type: 'hand_over', content: 'Somebody will help you.' }, 'Somebody will help you.'],
      ] as const) {
        const { chat, say } = await asked()
        await say({ type: 'chunk', content: 'One moment: ' })
        expect((await say(said)).status).toBe(200)
        expect(await answerIn(chat)).toMatchObject({ status: 'completed', content })
        const session = await server.support.read({ kind: 'service' }, chat)
        expect(session).toMatchObject({ user_id: ada.user.id, answering: false, agent_id: null })
        expect(await refusalOf(await say({ type: 'chunk', content: 'more' }))).toEqual({
          status: 409,
          reason: 'answer_over',
        })
      }
    })

    test('make an answer, chunk by chunk, with its sources', async () => {
      const chat = await newChat()
      const first = await ask(chat)
      const { callback_url, conversation_history, key } = await service.question(first)
      expect(key).toBe('key-of-the-service')
      expect(conversation_history).toEqual([])
      const say = (body: object) => server.post(callback_url, body)
      for (const content of ['Hello', ' there']) {
        const answer = await say({ type: 'chunk', content })
        expect({ status: answer.status, body: await answer.json() }).toEqual({
          status: 200,
          body: { status: 'success' },
        })
      }
      expect((await answerIn(chat)).status).toBe('processing')
      await say({ type: 'complete', sources: [{ title: 'A book', url: 'https://example.com/book', content: 'Said.' }] })
      const answer = await answerIn(chat)
      expect(answer).toMatchObject({ content: 'Hello there', status: 'completed' })
      expect(answer.sources).toMatchObject([{ title: 'A book', url: 'https://example.com/book', content: 'Said.' }])
      const second = await ask(chat)
      expect((await service.question(second)).conversation_history).toEqual([
        { role: 'user', content: first },
        { role: 'assistant', content: 'Hello there' },
      ])
    })

    test('with numbers are taken once each, in order, however they come', async () => {
      const { chat, say } = await asked()
      const words = Array.from({ length: 20 }, (_, seq) => ({ type: 'chunk', content: `${seq} `, seq }))
      const order = [...words, ...words].sort((one, other) => ((one.seq * 7) % 11) - ((other.seq * 7) % 11))
      const complete = await say({ type: 'complete', seq: words.length })
      expect(complete.status).toBe(200)
      expect((await answerIn(chat)).status).toBe('processing')
      const statuses = new Set((await Promise.all(order.map((chunk) => say(chunk)))).map(({ status }) => status))
      // A repeat of what came after the end is told so.
      expect([...statuses].every((status) => status === 200 || status === 409)).toBe(true)
      expect(await answerIn(chat)).toMatchObject({
        status: 'completed',
        content: words.map(({ content }) => content).join(''),
      })
    })

    test('may cut a character in two: it is told whole, and stored whole', async () => {
      for (const isNumbered of [false, true]) {
        const { chat, say } = await asked()
        const live = await LiveClient.open(server.ws, ada)
        await live.watch(chat)
        let told = (await live.next('answer.snapshot')).content
        for (const [seq, content] of ['a\0\ud83d', '\ude00b\ud83c', '\udf0d', 'c\ud83d'].entries()) {
          const chunk = { type: 'chunk', content, ...(isNumbered ? { seq } : {}) }
          expect((await say(chunk)).status).toBe(200)
        }
        while (told !== 'a😀b🌍c') {
          const { offset, content } = await live.next('answer.delta')
          expect({ offset, isWhole: content.isWellFormed() }).toEqual({ offset: told.length, isWhole: true })
          told += content
        }
        await say({ type: 'complete' })
        expect(await answerIn(chat)).toMatchObject({ status: 'completed', content: 'a😀b🌍c\ufffd' })
        await live.close()
      }
    })

    test('that end with the whole text need no chunks', async () => {
      const { chat, say } = await asked()
      expect((await say({ type: 'complete', content: 'All at once' })).status).toBe(200)
      expect(await answerIn(chat)).toMatchObject({ content: 'All at once', status: 'completed', sources: [] })
      for (const late of [{ type: 'chunk', content: 'more' }, { type: 'complete' }, { type: 'complete', content: 'x' }])
        expect(await refusalOf(await say(late))).toEqual({ status: 409, reason: 'answer_over' })
      expect((await answerIn(chat)).content).toBe('All at once')
    })

    test('may cite as much as a source may say, and say as much as an answer may', async () => {
      const { chat, url, say } = await asked()
      const source = { title: 'A book', content: 'ü'.repeat(SOURCE_MAX.content) }
      const whole = { type: 'complete', content: '👋'.repeat(70_000), sources: Array(10).fill(source) }
      const foreign = await server.post(url.replace(/token=[^.]*/, `token=${crypto.randomUUID()}`), whole)
      expect(await refusalOf(foreign)).toEqual({ status: 401, reason: 'token_invalid' })
      expect((await say(whole)).status).toBe(200)
      const { content, sources } = await answerIn(chat)
      expect(content).toBe('👋'.repeat(65_536))
      expect(sources).toHaveLength(10)
      expect(sources[0]?.content).toBe(source.content)
    })

    test('that say nothing right are told what is wrong', async () => {
      const { url, say } = await asked()
      const told = async (body: object) => {
        const answer = await say(body)
        const { detail } = z.object({ detail: z.string() }).parse(await answer.json())
        return `${answer.status} ${detail}`
      }
      expect(await told({})).toBe('400 Missing data type')
      expect(await told({ type: 'q' })).toBe('400 Unknown data type: q')
      expect(await told({ type: 'chunk' })).toBe('400 Missing chunk content')
      expect(await told({ type: 'complete' })).toBe('400 Missing message content')
      expect((await say({ type: 'chunk', content: 'x'.repeat(10_000_000) })).status).toBe(413)
      expect((await say({ type: 'chunk', content: 'x', seq: -1 })).status).toBe(422)
      expect((await server.post(`${url.split('?')[0]}`, { type: 'chunk', content: 'x' })).status).toBe(401)
      const { url: foreign } = await asked()
      const mixed = `${url.split('?')[0]}?${foreign.split('?')[1]}`
      expect(await refusalOf(await server.post(mixed, { type: 'chunk', content: 'x' }))).toEqual({
        status: 401,
        reason: 'token_invalid',
      })
      const [, chatId = '', messageId = ''] = /chats\/(.*)\/messages\/(.*)\/callback/.exec(url) ?? []
      const another = { chatId, messageId, answerId: crypto.randomUUID() }
      const old = tokens.token(another, Date.now() - 1)
      expect((await server.post(`${url.split('?')[0]}?token=${old}`, {})).status).toBe(401)
      const elsewhere = url.replace(chatId, foreign.split('/')[3] ?? '')
      expect(await refusalOf(await server.post(elsewhere, { type: 'chunk', content: 'x' }))).toEqual({
        status: 401,
        reason: 'token_invalid',
      })
      const unknown = tokens.token(another, Date.now() + 60_000)
      const answer = await server.post(`${url.split('?')[0]}?token=${unknown}`, { type: 'chunk', content: 'x' })
      expect(await refusalOf(answer)).toEqual({ status: 404, reason: 'message_missing' })
      await ada.call(`/api/chats/${chatId}`, { method: 'DELETE' })
      expect(await refusalOf(await say({ type: 'chunk', content: 'x' }))).toEqual({
        status: 404,
        reason: 'message_missing',
      })
    })

    test('go on after what the answer said before, also where they end with the whole', async () => {
      const { chat, say } = await asked()
      await say({ type: 'chunk', content: 'One,' })
      const { id } = await answerIn(chat)
      await ada.send(`/api/chats/${chat}/messages/${id}/stop`, {})
      await ada.send(`/api/chats/${chat}/messages/${id}/continue`, {})
      const asks = () => service.asked.filter(({ callback_url }) => callback_url.includes(id))
      await until(() => asks().length === 2)
      const callback_url = asks()[1]?.callback_url ?? ''
      await server.post(callback_url, { type: 'chunk', content: ' tw', seq: 0 })
      expect((await server.post(callback_url, { type: 'complete', content: ' two' })).status).toBe(200)
      expect(await answerIn(chat)).toMatchObject({ content: 'One, two', status: 'completed' })
    })

    test('come too late once the answer was stopped', async () => {
      const { chat, say } = await asked()
      await say({ type: 'chunk', content: 'So far' })
      const { id } = await answerIn(chat)
      await ada.send(`/api/chats/${chat}/messages/${id}/stop`, {})
      expect((await say({ type: 'chunk', content: ' and more' })).status).toBe(409)
      expect(await answerIn(chat)).toMatchObject({ content: 'So far', status: 'stopped' })
    })

    test('do not come where the service did not take the question: the message says so', async () => {
      for (const status of [400, 503]) {
        service.answersWith(status)
        const chat = await newChat()
        await ask(chat)
        await until(async () => (await answerIn(chat)).status === 'failed')
        expect((await answerIn(chat)).content).toBe(APOLOGY)
      }
      service.answersWith(200)
    })
  })

  describe(`answers that are handed over, on ${kind},`, () => {
    /** A server whose AI service was asked, and takes what the test says. */
    const handedOver = async (answerLimits: Partial<AnswerLimits>) => {
      const database = await open()
      const service = startService()
      const tokens = new CallbackTokens([TEST_SECRET])
      const answerer = new CallbackAnswerer(new Outgoing({ allowPrivate: true }), {
        url: service.url,
        apiKey: undefined,
        callbackUrl: (request) =>
          `/api/chats/${request.chatId}/messages/${request.messageId}/callback?token=${tokens.token(request, request.limits.endsAt)}`,
      })
      const server = await startServer({ database, answerer, answerLimits })
      const ada = await signUp(server)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      await ada.send(`/api/chats/${id}/messages`, { content: 'Hello?' })
      const { callback_url } = await service.question('Hello?')
      await server.dispatch.drain()
      return {
        server,
        say: (body: object) => server.post(callback_url, body),
        last: async () => (await server.chats.messages.page({ kind: 'service' }, id, id, { from: 'end', limit: 1 }))[0],
        async close() {
          await server.close()
          await service.stop()
          await database.close()
        },
      }
    }

    test('have failed where nobody calls back any more, with what they said', async () => {
      const { say, last, close } = await handedOver({ firstMs: 1000, betweenMs: 200, leaseMs: 1000, beatMs: 10 })
      await say({ type: 'chunk', content: 'Well', seq: 0 })
      await say({ type: 'chunk', content: 'never told', seq: 2 })
      await until(async () => (await last())?.status === 'failed')
      expect((await last())?.content).toBe('Well')
      expect((await say({ type: 'chunk', content: ' then', seq: 1 })).status).toBe(409)
      await close()
    })

    test('are complete once they say as much as an answer may', async () => {
      const { say, last, close } = await handedOver({ answerLength: 10 })
      expect((await say({ type: 'chunk', content: '0123456', seq: 0 })).status).toBe(200)
      expect((await say({ type: 'chunk', content: '789', seq: 1 })).status).toBe(200)
      expect((await say({ type: 'chunk', content: 'more', seq: 2 })).status).toBe(409)
      expect(await last()).toMatchObject({ status: 'completed', content: '0123456789' })
      await close()
    })

    test('keep what they said where the one server that has it stops', async () => {
      const { server, say, last, close } = await handedOver({})
      await say({ type: 'chunk', content: 'So far' })
      await server.dispatch.stop()
      expect(await last()).toMatchObject({ status: 'failed', content: 'So far' })
      await close()
    })
  })
}
