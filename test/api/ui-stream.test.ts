import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Chat } from '@ai-sdk/react'
import { DefaultChatTransport, type UIMessage } from 'ai'
import { z } from 'zod'
import { SignedIn } from '../../src/contract/accounts.ts'
import { Message } from '../../src/contract/chats.ts'
import { UI_REQUEST_MAX } from '../../src/contract/ui-stream.ts'
import { AnswerFault } from '../../src/domain/answers/answer-fault.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const Made = z.object({ id: z.string() })
const History = z.object({ messages: z.array(Message) })

const textOf = ({ parts }: UIMessage) => parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
const said = (text: string, id = 'first') => ({ id, role: 'user', parts: [{ type: 'text', text }] })
/** A text that no other test says. */
const words = () => `question ${crypto.randomUUID()}`

for (const { kind, open } of testDatabases()) {
  describe(`the AI SDK's chat on ${kind}`, () => {
    let people: People
    const answerer = new ScriptedAnswerer()
    beforeAll(async () => {
      people = await openPeople(open, { answerer, answerLimits: { retryMs: 1, beatMs: 20 } })
    })
    afterAll(async () => {
      for (const run of answerer.runs) run.end()
      await people.close()
    })

    const newChat = async () => Made.parse(await (await people.ada.send('/api/chats', { title: 'Talk' })).json()).id
    const stored = async (chatId: string) =>
      History.parse(await (await people.ada.call(`/api/chats/${chatId}`)).json()).messages
    /** On another device. */
    const signUpAgain = async () => {
      const { username } = people.ada.user
      const login = { username, password: people.ada.password }
      return SignedIn.parse(await (await people.server.post('/api/auth/login', login)).json())
    }
    /** As a page makes one: nothing but the address and the token are told. */
    const chatOf = (chatId: string, messages: UIMessage[] = []) => {
      const api = `${people.server.url}/api/chats/${chatId}/ui-stream`
      const transport = new DefaultChatTransport({ api, headers: people.ada.headers })
      return new Chat({ id: chatId, transport, messages, onError() {} })
    }
    const texts = (chat: Chat<UIMessage>) => chat.messages.map((message) => `${message.role}: ${textOf(message)}`)
    const shows = (chat: Chat<UIMessage>, text: string) =>
      until(() => chat.messages.some((message) => textOf(message) === text), text)
    const post = (chatId: string, body: unknown) => people.ada.send(`/api/chats/${chatId}/ui-stream`, body)

    test('sends a message, and shows the answer as it is made, with its sources, under its id', async () => {
      const chatId = await newChat()
      const chat = chatOf(chatId)
      const question = words()
      const sent = chat.sendMessage({ text: question })
      const run = await answerer.run(question)
      run.say('Hello')
      await shows(chat, 'Hello')
      expect(chat.status).toBe('streaming')
      run.say(' there')
      await shows(chat, 'Hello there')
      run.give({ type: 'source', source: { title: 'A book', url: 'https://example.com/book' } })
      run.end()
      await sent
      expect(chat.status).toBe('ready')
      const [asked, answer] = await stored(chatId)
      expect(asked?.content).toBe(question)
      expect(chat.lastMessage?.id).toBe(answer?.id ?? 'none')
      expect(chat.lastMessage?.parts.at(-1)).toMatchObject({ type: 'source-url', url: 'https://example.com/book' })
    })

    test('goes on in the same chat, which knows what was said before', async () => {
      const chatId = await newChat()
      const chat = chatOf(chatId)
      for (const number of ['one', 'two']) {
        const question = words()
        const sent = chat.sendMessage({ text: question })
        const run = await answerer.run(question)
        run.say(number)
        run.end()
        await sent
      }
      expect((await stored(chatId)).map(({ content }) => content)).toEqual(
        chat.messages.map((message) => textOf(message)),
      )
      expect(answerer.runs.at(-1)?.request.history.map(({ content }) => content)).toEqual([
        texts(chat)[0]?.slice('user: '.length) ?? '',
        'one',
      ])
    })

    test('shows why an answer failed, after what it said', async () => {
      const chatId = await newChat()
      const chat = chatOf(chatId)
      const question = words()
      const sent = chat.sendMessage({ text: question })
      const run = await answerer.run(question)
      run.say('And so')
      run.fail(new AnswerFault('The AI service broke off.'))
      await sent
      expect([chat.status, chat.error?.message]).toEqual(['error', 'The AI service broke off.'])
      expect(texts(chat)).toEqual([`user: ${question}`, 'assistant: And so'])
    })

    test('leaves without stopping the answer, and another page resumes it from its beginning', async () => {
      const chatId = await newChat()
      const first = chatOf(chatId)
      const question = words()
      const sent = first.sendMessage({ text: question })
      const run = await answerer.run(question)
      run.say('Once upon')
      await shows(first, 'Once upon')
      await first.stop()
      await sent
      run.say(' a time')
      const second = chatOf(chatId, first.messages.slice(0, 1))
      const resumed = second.resumeStream()
      await shows(second, 'Once upon a time')
      run.say('.')
      run.end()
      await resumed
      expect(texts(second)).toEqual([`user: ${question}`, 'assistant: Once upon a time.'])
      expect(second.messages.at(-1)?.id).toBe(first.messages.at(-1)?.id ?? 'none')
    })

    test('resumes nothing where nothing is being answered', async () => {
      const chatId = await newChat()
      const chat = chatOf(chatId)
      await chat.resumeStream()
      expect([chat.status, chat.messages.length]).toEqual(['ready', 0])
      for (const path of ['', `/${chatId}/stream`, '/any%20name/stream']) {
        const answer = await people.ada.call(`/api/chats/${chatId}/ui-stream${path}`)
        expect([answer.status, await answer.text()]).toEqual([204, ''])
      }
    })

    test('is told where somebody stops the answer, by the id of its message', async () => {
      const chatId = await newChat()
      const chat = chatOf(chatId)
      const question = words()
      const sent = chat.sendMessage({ text: question })
      const run = await answerer.run(question)
      run.say('On and on')
      await shows(chat, 'On and on')
      await people.ada.send(`/api/chats/${chatId}/messages/${chat.lastMessage?.id}/stop`, {})
      await sent
      expect([chat.status, texts(chat).at(-1)]).toEqual(['ready', 'assistant: On and on'])
      expect((await stored(chatId)).at(-1)).toMatchObject({ status: 'stopped', content: 'On and on' })
    })

    test('regenerates the last answer beside the one that was there, also one that is still being made', async () => {
      const chatId = await newChat()
      const chat = chatOf(chatId)
      const question = words()
      const sent = chat.sendMessage({ text: question })
      const first = await answerer.run(question)
      first.say('First')
      await shows(chat, 'First')
      await chat.stop()
      await sent
      for (const [number, text] of [
        [2, 'Second'],
        [3, 'Third'],
      ] as const) {
        const again = chat.regenerate()
        const run = await answerer.run(question, number)
        run.say(text)
        run.end()
        await again
        expect(texts(chat)).toEqual([`user: ${question}`, `assistant: ${text}`])
        expect((await stored(chatId)).map(({ content }) => content)).toEqual([question, text])
      }
      const named = chat.regenerate({ messageId: chat.lastMessage?.id ?? 'none' })
      const fourth = await answerer.run(question, 4)
      fourth.say('Fourth')
      fourth.end()
      await named
      expect((await stored(chatId)).map(({ content }) => content)).toEqual([question, 'Fourth'])
    })

    test('says something else in the place of a message, again and again, and what followed is left aside', async () => {
      const chatId = await newChat()
      const chat = chatOf(chatId)
      const ask = async (question: string, messageId?: string) => {
        const sent = chat.sendMessage({ text: question, ...(messageId === undefined ? {} : { messageId }) })
        const run = await answerer.run(question)
        run.say(`To ${question}`)
        run.end()
        await sent
        return chat.messages.findLast(({ role }) => role === 'user')?.id ?? 'none'
      }
      const [first, next, other, third] = [words(), words(), words(), words()]
      const id = await ask(first)
      await ask(next)
      expect(await ask(other, id)).toBe(id)
      expect((await stored(chatId)).map(({ content }) => content)).toEqual([other, `To ${other}`])
      // Of a page that was loaded afresh, it has the id that it has here.
      const [asked] = await stored(chatId)
      expect(texts(chat)).toEqual([`user: ${other}`, `assistant: To ${other}`])
      const again = chat.regenerate()
      const run = await answerer.run(other, 2)
      run.say('Regenerated')
      run.end()
      await again
      expect((await stored(chatId)).map(({ content }) => content)).toEqual([other, 'Regenerated'])
      chat.messages = chat.messages.map((message) =>
        message.id === id ? { ...message, id: asked?.id ?? '' } : message,
      )
      await ask(third, asked?.id ?? 'none')
      expect((await stored(chatId)).map(({ content }) => content)).toEqual([third, `To ${third}`])
    })

    test('stops what is being made to a message that is replaced, and nothing where it is sent once more', async () => {
      const chatId = await newChat()
      const [first, other] = [words(), words()]
      await post(chatId, { messages: [said(first)], trigger: 'submit-message' })
      const run = await answerer.run(first)
      run.say('On and on')
      await until(async () => (await people.server.dispatchedText(chatId)) === 'On and on')
      const [, left] = await stored(chatId)
      const edit = { messages: [said(other)], trigger: 'submit-message', messageId: 'first' }
      await post(chatId, edit)
      await until(() => run.request.signal.aborted)
      const stopped = await people.ada.call(`/api/chats/${chatId}/messages/${left?.id}`)
      expect(await stopped.json()).toMatchObject({ status: 'stopped', content: 'On and on' })
      await post(chatId, edit)
      expect((await stored(chatId)).map(({ status }) => status)).toEqual(['completed', 'processing'])
      const next = await answerer.run(other)
      next.say('Yes')
      next.end()
      await until(async () => (await stored(chatId)).at(-1)?.content === 'Yes')
    })

    test('asks for an answer once more where the last one failed', async () => {
      const chatId = await newChat()
      const chat = chatOf(chatId)
      const question = words()
      const sent = chat.sendMessage({ text: question })
      ;(await answerer.run(question)).fail(new AnswerFault('No.'))
      await sent
      expect(chat.status).toBe('error')
      chat.messages = chat.messages.slice(0, 1)
      const again = chat.sendMessage()
      const run = await answerer.run(question, 2)
      run.say('Yes')
      run.end()
      await again
      expect(texts(chat)).toEqual([`user: ${question}`, 'assistant: Yes'])
      expect((await stored(chatId)).map(({ content }) => content)).toEqual([question, 'Yes'])
    })

    test('stores a message once, however often it is sent, and its answer is told each time', async () => {
      const chatId = await newChat()
      const question = words()
      const body = { id: chatId, messages: [said(question)], trigger: 'submit-message' }
      const answers = [post(chatId, body), post(chatId, body)]
      const run = await answerer.run(question)
      run.say('Once')
      run.end()
      for (const answer of await Promise.all([...answers, post(chatId, body)])) {
        expect(answer.status).toBe(200)
        expect(answer.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1')
        expect(answer.headers.get('content-type')).toStartWith('text/event-stream')
        const text = await answer.text()
        expect(text).toContain('"delta":"Once"')
        expect(text).toEndWith('data: {"type":"finish","finishReason":"stop"}\n\ndata: [DONE]\n\n')
      }
      expect((await stored(chatId)).map(({ content }) => content)).toEqual([question, 'Once'])
    })

    test('is broken off, not ended, where the token is no good any more', async () => {
      const chatId = await newChat()
      const question = words()
      const { access_token } = await signUpAgain()
      const sent = fetch(`${people.server.url}/api/chats/${chatId}/ui-stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${access_token}` },
        body: JSON.stringify({ messages: [said(question)], trigger: 'submit-message' }),
      })
      const run = await answerer.run(question)
      run.say('Hello')
      const answer = await sent
      await people.server.call('/api/auth/logout', {
        method: 'POST',
        headers: { authorization: `Bearer ${access_token}` },
      })
      await expect(answer.text()).rejects.toThrow()
      run.end()
      await until(async () => (await stored(chatId)).at(-1)?.status === 'completed', 'the end of the answer')
    })

    test('is refused what is no conversation of somebody who asks', async () => {
      const chatId = await newChat()
      const part = { type: 'text', text: 'Hi' }
      const user = { id: 'a', role: 'user', parts: [part] }
      const submit = { trigger: 'submit-message' }
      for (const body of [
        {},
        [],
        submit,
        { ...submit, messages: [] },
        { ...submit, messages: [{ ...user, role: 'assistant' }] },
        { ...submit, messages: [{ ...user, parts: [] }] },
        { ...submit, messages: [{ ...user, parts: [{ type: 'text', text: ' \n' }] }] },
        {
          ...submit,
          messages: [{ ...user, parts: [part, { type: 'file', url: 'data:,x', mediaType: 'text/plain' }] }],
        },
        { ...submit, messages: [{ ...user, parts: [{ type: 'text', text: 'x'.repeat(40_000) }] }] },
        { ...submit, messages: [{ ...user, id: '' }] },
        { ...submit, messages: [user], messageId: '' },
        { trigger: 'resume-stream', messages: [user] },
        { ...submit, messages: [user], on_busy: 'perhaps' },
      ]) {
        expect([body, await refusalOf(await post(chatId, body))]).toEqual([body, { status: 422, reason: 'invalid' }])
      }
      const unknown = { trigger: 'regenerate-message', messages: [said(words(), 'never sent')] }
      expect(await refusalOf(await post(chatId, unknown))).toEqual({ status: 404, reason: 'message_missing' })
      const large = { ...submit, messages: [said('x'.repeat(UI_REQUEST_MAX))] }
      expect(await refusalOf(await post(chatId, large))).toEqual({ status: 413, reason: 'body_too_large' })
      expect(await stored(chatId)).toEqual([])
    })

    test('takes a long conversation along', async () => {
      const chatId = await newChat()
      const question = words()
      const before = Array.from({ length: 100 }, (_, number) => said('x'.repeat(10_000), String(number)))
      const sent = post(chatId, { trigger: 'submit-message', messages: [...before, said(question)] })
      const run = await answerer.run(question)
      run.say('Yes')
      run.end()
      expect(await (await sent).text()).toContain('"delta":"Yes"')
      expect((await stored(chatId)).map(({ content }) => content)).toEqual([question, 'Yes'])
    })
  })
}
