import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { EventPage } from '../../src/contract/chat-calls.ts'
import { applyEvent, NO_CHAT } from '../../src/contract/chat-state.ts'
import { Message, SOURCE_MAX } from '../../src/contract/chats.ts'
import { AnswerFault } from '../../src/domain/answers/answer-fault.ts'
import { AnswerStore } from '../../src/domain/answers/answer-store.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { refusalOf } from '../support/people.ts'
import { type Person, signUp } from '../support/person.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'
import { memoryStores, storeKinds } from '../support/stores.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const Made = z.object({ id: z.string() })

for (const { kind, open } of testDatabases()) {
  for (const stores of storeKinds) {
    describe(`answers on ${kind} and ${stores.name}`, () => {
      let database: OpenedDatabase
      let server: TestServer
      let ada: Person
      const answerer = new ScriptedAnswerer()
      beforeAll(async () => {
        database = await open()
        const answerLimits = { retryMs: 1, beatMs: 20 }
        server = await startServer({ database, stores: await stores.open(), answerer, answerLimits })
        ada = await signUp(server)
      })
      afterAll(async () => {
        for (const run of answerer.runs) run.end()
        await server.close()
        await database.close()
      })

      const newChat = async () => Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json()).id
      const post = (chat: string, content: string, more: object = {}) =>
        ada.send(`/api/chats/${chat}/messages`, { content, ...more })
      const ask = async (chat: string, content: string, more: object = {}) =>
        Message.parse(await (await post(chat, content, more)).json())
      const messages = async (chat: string) => {
        const page = z.object({ messages: z.array(Message) })
        return page.parse(await (await ada.call(`/api/chats/${chat}`)).json()).messages
      }
      const answerIn = async (chat: string) => {
        const last = (await messages(chat)).findLast(({ sender_type }) => sender_type === 'assistant')
        if (last === undefined) throw new Error('There is no answer.')
        return last
      }
      const act = (answer: Message, what: string, body: object = {}) =>
        ada.send(`/api/chats/${answer.chat_id}/messages/${answer.id}/${what}`, body)
      const becomes = (chat: string, status: Message['status']) =>
        until(async () => (await answerIn(chat)).status === status, `an answer that is ${status}`)
      const events = async (chat: string) =>
        EventPage.parse(await (await ada.call(`/api/chats/${chat}/events`)).json()).events
      const types = async (chat: string) => (await events(chat)).map(({ type }) => type).slice(2)
      /** A text that no other test says. */
      const words = () => `question ${crypto.randomUUID()}`

      test('posting returns at once; the answer is a message that goes from start to its end', async () => {
        const chat = await newChat()
        const question = words()
        const posted = await ask(chat, question)
        expect(posted).toMatchObject({ content: question, status: 'completed', sender_type: 'user' })
        const run = await answerer.run(question)
        expect(await answerIn(chat)).toMatchObject({ content: '', status: 'processing', message_type: 'ai' })
        run.say('Hello')
        run.say(' there')
        run.give({ type: 'source', source: { title: 'A book', url: 'https://example.com/book' } })
        run.give({ type: 'usage', usage: { input_tokens: 3, output_tokens: 2 } })
        run.end()
        await becomes(chat, 'completed')
        const answer = await answerIn(chat)
        expect(answer.content).toBe('Hello there')
        expect(answer.sources).toMatchObject([
          { title: 'A book', url: 'https://example.com/book', message_id: answer.id },
        ])
        expect(await types(chat)).toEqual(['message.created', 'message.created', 'answer.started', 'answer.ended'])
        const ended = (await events(chat)).at(-1)
        expect(ended?.data).toMatchObject({ content: 'Hello there', status: 'completed', sources: answer.sources })
        expect(ended?.data).toMatchObject({ usage: { input_tokens: 3, output_tokens: 2 }, error: null })
      })

      test('the state that events make is the one that is read', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        const first = await answerer.run(question)
        first.say('Half')
        await until(async () => (await server.dispatchedText(chat)) === 'Half')
        await act(await answerIn(chat), 'stop')
        await act(await answerIn(chat), 'continue')
        const second = await answerer.run(question, 2)
        second.say(' and whole')
        second.give({ type: 'source', source: { title: 'A book' } })
        second.end()
        await becomes(chat, 'completed')
        const state = (await events(chat)).reduce(applyEvent, NO_CHAT)
        expect(Object.values(state.messages)).toEqual(await messages(chat))
      })

      test('a stopped answer keeps what it said, tells its provider, and takes nothing more', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        const run = await answerer.run(question)
        run.say('So far')
        await until(async () => (await server.dispatchedText(chat)) === 'So far')
        const stopped = Message.parse(await (await act(await answerIn(chat), 'stop')).json())
        expect(stopped).toMatchObject({ content: 'So far', status: 'stopped' })
        await until(() => run.request.signal.aborted)
        run.say(' and too late')
        run.end()
        const again = Message.parse(await (await act(stopped, 'stop')).json())
        expect(again).toEqual(stopped)
        expect((await types(chat)).filter((type) => type === 'answer.ended')).toHaveLength(1)
      })

      test('a chat that is deleted stops what is made there, and has what was said when it comes back', async () => {
        const chat = await newChat()
        const [question, next] = [words(), words()]
        await ask(chat, question)
        const run = await answerer.run(question)
        run.say('So far')
        await until(async () => (await server.dispatchedText(chat)) === 'So far')
        await ask(chat, next)
        await ada.call(`/api/chats/${chat}`, { method: 'DELETE' })
        await until(() => run.request.signal.aborted)
        await until(async () => (await server.dispatchedText(chat)) === undefined)
        await ada.send(`/api/chats/${chat}/restore`, {})
        expect((await messages(chat)).map(({ status, content }) => [status, content])).toEqual([
          ['completed', question],
          ['stopped', 'So far'],
          ['completed', next],
          ['stopped', ''],
        ])
        expect(answerer.runs.filter(({ request }) => request.message === next)).toEqual([])
      })

      test('a question that was deleted is not answered any more, nor its answer gone on with', async () => {
        const chat = await newChat()
        const [first, deleted, next] = [words(), words(), words()]
        await ask(chat, first)
        const { id } = await ask(chat, deleted)
        await ask(chat, next)
        await ada.call(`/api/chats/${chat}/messages/${id}`, { method: 'DELETE' })
        ;(await answerer.run(first)).end()
        const run = await answerer.run(next)
        const [, , , waited] = await messages(chat)
        expect(waited).toMatchObject({ status: 'stopped', content: '' })
        expect(answerer.runs.filter(({ request }) => request.chatId === chat)).toHaveLength(2)
        run.end()
        await becomes(chat, 'failed')
        if (waited === undefined) throw new Error('It is there.')
        expect(await refusalOf(await act(waited, 'continue'))).toEqual({ status: 409, reason: 'message_deleted' })
      })

      test('what waits in a chat that is gone never begins, and stands in nobody’s way', async () => {
        const chat = await newChat()
        const [question, next] = [words(), words()]
        await ask(chat, question)
        await ask(chat, next)
        await database.sql`UPDATE chats SET deleted_at = now() WHERE id = ${chat}`
        const run = await answerer.run(question)
        run.end()
        const statuses = async () =>
          (await database.sql`SELECT status FROM answers WHERE chat_id = ${chat} ORDER BY id`).map(
            (row) => row['status'],
          )
        await until(async () => (await statuses())[1] === 'stopped')
        expect(answerer.runs.filter(({ request }) => request.message === next)).toEqual([])
      })

      test('a stopped answer goes on in the same message, after what it said', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        const first = await answerer.run(question)
        first.say('One,')
        await until(async () => (await server.dispatchedText(chat)) === 'One,')
        const stopped = Message.parse(await (await act(await answerIn(chat), 'stop')).json())
        const resumed = Message.parse(await (await act(stopped, 'continue')).json())
        expect(resumed).toMatchObject({ id: stopped.id, content: 'One,', status: 'processing' })
        expect(await refusalOf(await act(stopped, 'continue'))).toEqual({ status: 409, reason: 'answer_running' })
        const second = await answerer.run(question, 2)
        expect(second.request.begun).toBe('One,')
        second.say(' two')
        second.end()
        await becomes(chat, 'completed')
        expect(await answerIn(chat)).toMatchObject({ id: stopped.id, content: 'One, two' })
        expect(await refusalOf(await act(stopped, 'continue'))).toEqual({ status: 409, reason: 'answer_over' })
      })

      test('one that goes on waits for another that is being made, and says so', async () => {
        const chat = await newChat()
        const [question, other] = [words(), words()]
        await ask(chat, question)
        ;(await answerer.run(question)).say('One,')
        await until(async () => (await server.dispatchedText(chat)) === 'One,')
        const stopped = Message.parse(await (await act(await answerIn(chat), 'stop')).json())
        await ask(chat, other)
        const between = await answerer.run(other)
        const resumed = Message.parse(await (await act(stopped, 'continue')).json())
        expect(resumed).toMatchObject({ id: stopped.id, content: 'One,', status: 'pending' })
        const told = (await events(chat)).reduce(applyEvent, NO_CHAT)
        expect(Object.values(told.messages)).toEqual(await messages(chat))
        expect(Message.parse(await (await act(stopped, 'stop')).json())).toMatchObject({
          content: 'One,',
          status: 'stopped',
        })
        expect((await act(stopped, 'continue')).status).toBe(200)
        between.say('In between')
        between.end()
        const second = await answerer.run(question, 2)
        second.say(' two')
        second.end()
        await until(async () => (await messages(chat))[1]?.status === 'completed')
        const state = (await events(chat)).reduce(applyEvent, NO_CHAT)
        expect(Object.values(state.messages)).toEqual(await messages(chat))
        expect(state.messages[stopped.id]?.content).toBe('One, two')
        expect((await types(chat)).filter((type) => type === 'answer.queued')).toHaveLength(2)
      })

      test('one that failed keeps what it said where it is stopped before it is tried again', async () => {
        const chat = await newChat()
        const [question, other] = [words(), words()]
        const body = { question, chat_id: chat, client_id: crypto.randomUUID() }
        const asked = ada.send('/api/v1/messages/add-message', body)
        const first = await answerer.run(question)
        first.say('One,')
        await until(async () => (await server.dispatchedText(chat)) === 'One,')
        first.fail(new AnswerFault('No model.'))
        expect((await asked).status).toBe(502)
        const failed = await answerIn(chat)
        expect(failed).toMatchObject({ content: 'One,', status: 'failed' })
        await ask(chat, other)
        const between = await answerer.run(other)
        const again = ada.send('/api/v1/messages/add-message', body)
        await until(async () => (await types(chat)).includes('answer.queued'))
        expect(Message.parse(await (await act(failed, 'stop')).json())).toMatchObject({
          content: 'One,',
          status: 'stopped',
        })
        expect((await again).status).toBe(201)
        between.end()
        const state = (await events(chat)).reduce(applyEvent, NO_CHAT)
        expect(state.messages[failed.id]?.content).toBe('One,')
      })

      test('an answer is made once more in a branch beside the first', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        const first = await answerer.run(question)
        first.say('One')
        const running = await answerIn(chat)
        expect(await refusalOf(await act(running, 'regenerate'))).toEqual({ status: 409, reason: 'answer_running' })
        first.end()
        await becomes(chat, 'completed')
        const made = await act(running, 'regenerate')
        expect(made.status).toBe(201)
        expect(Message.parse(await made.json())).toMatchObject({ content: '', status: 'processing' })
        const second = await answerer.run(question, 2)
        second.say('Other')
        second.end()
        await becomes(chat, 'completed')
        const answer = await answerIn(chat)
        expect(answer).toMatchObject({ content: 'Other', position: running.position })
        expect(answer.branch_id).not.toBe(running.branch_id)
        const siblings = await ada.call(`/api/chats/${chat}/messages/${answer.id}/siblings`)
        expect(
          z
            .array(Message)
            .parse(await siblings.json())
            .map(({ content }) => content),
        ).toEqual(['One', 'Other'])
      })

      test('a message is sent again with other words, in a branch of its own, and answered there', async () => {
        const chat = await newChat()
        const [question, other] = [words(), words()]
        const posted = await ask(chat, question)
        ;(await answerer.run(question)).end()
        await becomes(chat, 'failed')
        expect((await act(posted, 'resend', { content: other })).status).toBe(201)
        const run = await answerer.run(other)
        run.say('Yes')
        run.end()
        await becomes(chat, 'completed')
        expect((await messages(chat)).map(({ content }) => content)).toEqual([other, 'Yes'])
      })

      test('what is posted while an answer runs is answered after it', async () => {
        const chat = await newChat()
        const [first, second] = [words(), words()]
        await ask(chat, first)
        const run = await answerer.run(first)
        await ask(chat, second)
        expect((await messages(chat)).map(({ status }) => status)).toEqual([
          'completed',
          'processing',
          'completed',
          'pending',
        ])
        expect(answerer.runs.some(({ request }) => request.message === second)).toBe(false)
        run.say('First')
        run.end()
        const next = await answerer.run(second)
        expect(next.request.history.map(({ content }) => content)).toEqual([first, 'First'])
        next.say('Second')
        next.end()
        await becomes(chat, 'completed')
      })

      test('also where the clock of who posts it is behind', async () => {
        const [chat, other] = [await newChat(), await newChat()]
        const [first, next, ahead, seen] = [words(), words(), words(), words()]
        await ask(chat, first)
        await ask(chat, next)
        const run = await answerer.run(first)
        // The ids are made by the clock.
        await database.sql`UPDATE answers SET id = ${Bun.randomUUIDv7('hex', 1)} WHERE chat_id = ${chat} AND status = 'pending'`
        await ask(other, ahead)
        await ask(other, seen)
        ;(await answerer.run(ahead)).end()
        // What waits is looked at together.
        await answerer.run(seen)
        expect((await types(chat)).filter((type) => type === 'answer.started')).toHaveLength(1)
        run.end()
        await answerer.run(next)
      })

      test('and one that goes on there is the one that is stopped', async () => {
        const chat = await newChat()
        const [question, other] = [words(), words()]
        await ask(chat, question)
        ;(await answerer.run(question)).fail(new AnswerFault('No model.'))
        await becomes(chat, 'failed')
        const failed = await answerIn(chat)
        await ask(chat, other)
        const between = await answerer.run(other)
        expect(Message.parse(await (await act(failed, 'continue')).json()).status).toBe('pending')
        await database.sql`UPDATE answers SET id = ${Bun.randomUUIDv7('hex', 1)} WHERE chat_id = ${chat} AND status = 'pending'`
        expect(Message.parse(await (await act(failed, 'stop')).json()).status).toBe('stopped')
        between.end()
      })

      test('or it is refused, or what runs is stopped, as the sender says', async () => {
        const chat = await newChat()
        const [first, second] = [words(), words()]
        await ask(chat, first)
        await answerer.run(first)
        expect(await refusalOf(await post(chat, second, { on_busy: 'reject' }))).toEqual({
          status: 409,
          reason: 'answer_running',
        })
        expect((await messages(chat)).map(({ content }) => content)).toEqual([first, ''])
        await ask(chat, second, { on_busy: 'interrupt' })
        const run = await answerer.run(second)
        expect((await messages(chat)).map(({ status }) => status)).toEqual([
          'completed',
          'stopped',
          'completed',
          'processing',
        ])
        run.say('Here')
        run.end()
        await becomes(chat, 'completed')
      })

      test('posting again does not stand in its own way', async () => {
        for (const on_busy of ['reject', 'interrupt']) {
          const chat = await newChat()
          const [question, client_id] = [words(), crypto.randomUUID()]
          const posted = await ask(chat, question, { client_id, on_busy })
          const run = await answerer.run(question)
          expect(await ask(chat, question, { client_id, on_busy })).toEqual(posted)
          run.say('Still here')
          run.end()
          await becomes(chat, 'completed')
        }
      })

      test('a message that wants no answer gets none', async () => {
        const chat = await newChat()
        await ask(chat, words(), { answer: false })
        expect(await types(chat)).toEqual(['message.created'])
      })

      test('the same client_id is answered once', async () => {
        const chat = await newChat()
        const [question, client_id] = [words(), crypto.randomUUID()]
        const posted = await Promise.all(Array.from({ length: 4 }, () => ask(chat, question, { client_id })))
        expect(new Set(posted.map(({ id }) => id)).size).toBe(1)
        const run = await answerer.run(question)
        run.say('Once')
        run.end()
        await becomes(chat, 'completed')
        expect(await messages(chat)).toHaveLength(2)
        expect(answerer.runs.filter(({ request }) => request.message === question)).toHaveLength(1)
      })

      test('a fault that passes is tried again, as long as nothing was shown', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        const first = await answerer.run(question)
        first.give({ type: 'source', source: { title: 'A book' } })
        first.fail(new AnswerFault('Busy.', { passing: true }))
        const second = await answerer.run(question, 2)
        second.give({ type: 'source', source: { title: 'A book' } })
        second.say('Begun')
        second.fail(new AnswerFault('Busy again.', { passing: true }))
        await becomes(chat, 'failed')
        const answer = await answerIn(chat)
        expect(answer).toMatchObject({ content: 'Begun' })
        expect(answer.sources).toHaveLength(1)
        expect((await events(chat)).at(-1)?.data).toMatchObject({ status: 'failed', error: 'Busy again.' })
        expect(answerer.runs.filter(({ request }) => request.message === question)).toHaveLength(2)
      })

      test('a service that says when to ask it again is asked no sooner, and not at all where that is too late', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        ;(await answerer.run(question)).fail(new AnswerFault('Busy.', { passing: true, retryAfterMs: 3_600_000 }))
        await becomes(chat, 'failed')
        expect((await events(chat)).at(-1)?.data).toMatchObject({ status: 'failed', error: 'Busy.' })
        expect(answerer.runs.filter(({ request }) => request.message === question)).toHaveLength(1)
      })

      test('a fault of ours is told to nobody, and an answer that says nothing has failed', async () => {
        for (const end of [new Error('secret'), undefined]) {
          const chat = await newChat()
          const question = words()
          await ask(chat, question)
          const run = await answerer.run(question)
          if (end) run.fail(end)
          else run.end()
          await becomes(chat, 'failed')
          const error = end ? 'The answer could not be made.' : 'The answer is empty.'
          expect((await events(chat)).at(-1)?.data).toMatchObject({ status: 'failed', error, content: '' })
        }
      })

      test('nothing of a character is lost between two pieces, and what cannot be stored is left out', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        const run = await answerer.run(question)
        for (const piece of [' \n', 'a\0b \ud83d', '\ude00 c', '\ud83d']) run.say(piece)
        run.end()
        await becomes(chat, 'completed')
        expect((await answerIn(chat)).content).toBe('ab 😀 c\ufffd')
      })

      test('of a source that says too much whole characters are kept', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        const run = await answerer.run(question)
        run.say('Here')
        run.give({ type: 'source', source: { title: `a${'😀'.repeat(SOURCE_MAX.title)}` } })
        run.end()
        await becomes(chat, 'completed')
        const [source] = (await answerIn(chat)).sources
        expect(source?.title).toBe(`a${'😀'.repeat(Math.floor((SOURCE_MAX.title - 1) / 2))}`)
      })

      test('an answer that is being made is neither changed nor deleted', async () => {
        const chat = await newChat()
        const question = words()
        await ask(chat, question)
        const run = await answerer.run(question)
        const { id } = await answerIn(chat)
        const deleted = await ada.call(`/api/chats/${chat}/messages/${id}`, { method: 'DELETE' })
        expect(await refusalOf(deleted)).toEqual({ status: 403, reason: 'not_yours' })
        const admin = { kind: 'service' } as const
        await expect(server.chats.messages.remove(admin, chat, id)).rejects.toMatchObject({ reason: 'answer_running' })
        await expect(server.chats.messages.edit(admin, chat, id, 'x')).rejects.toMatchObject({
          reason: 'answer_running',
        })
        run.say('Secret')
        run.give({ type: 'source', source: { title: 'Secret' } })
        run.end()
        await becomes(chat, 'completed')
        await server.chats.messages.remove(admin, chat, id)
        expect(JSON.stringify(await events(chat))).not.toContain('Secret')
        expect(await answerIn(chat)).toMatchObject({ content: '', sources: [] })
      })
    })
  }

  describe(`answers that nobody makes any more on ${kind}`, () => {
    let database: OpenedDatabase
    beforeAll(async () => {
      database = await open()
    })
    afterAll(() => database.close())

    test('end as failed, with the text so far, on whichever instance finds them', async () => {
      const answerer = new ScriptedAnswerer()
      const stores = memoryStores()
      const dead = await startServer({ database, stores, answerer, answerLimits: { leaseMs: 50, beatMs: 3_600_000 } })
      const ada = await signUp(dead)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      await ada.send(`/api/chats/${id}/messages`, { content: 'Hello?' })
      await ada.send(`/api/chats/${id}/messages`, { content: 'And then?' })
      const run = await answerer.run('Hello?')
      run.say('I was about')
      await until(async () => (await dead.dispatchedText(id)) === 'I was about')
      // One that is gone begins nothing more.
      const drained = dead.dispatch.drain()

      const alive = await startServer({ database, stores, answerer, answerLimits: { beatMs: 10 } })
      const next = await answerer.run('And then?')
      const messages = await alive.chats.messages.page({ kind: 'service' }, id, id, { from: 'end', limit: 10 })
      expect(messages[1]).toMatchObject({ status: 'failed', content: 'I was about' })
      run.say(' to say more')
      run.end()
      next.say('Then this')
      next.end()
      await Promise.all([alive.dispatch.drain(), drained])
      const last = await alive.chats.messages.page({ kind: 'service' }, id, id, { from: 'end', limit: 10 })
      expect(last.map(({ content }) => content)).toEqual(['Hello?', 'I was about', 'And then?', 'Then this'])
      await dead.close()
      await alive.close()
    })

    test('end as was decided where their instance is killed before that is stored', async () => {
      const answerer = new ScriptedAnswerer()
      const stores = memoryStores()
      const dead = await startServer({ database, stores, answerer, answerLimits: { leaseMs: 50, beatMs: 3_600_000 } })
      const ada = await signUp(dead)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      await ada.send(`/api/chats/${id}/messages`, { content: 'Hello?' })
      const run = await answerer.run('Hello?')
      run.say('All of it')
      await until(async () => (await dead.dispatchedText(id)) === 'All of it')
      const { answerId, messageId } = run.request
      const ending = { status: 'completed', sources: [{ title: 'A book' }] }
      await stores.buffer.finish({ chatId: id, messageId, answerId }, JSON.stringify(ending))

      const alive = await startServer({ database, stores, answerer, answerLimits: { beatMs: 10 } })
      const last = async () =>
        (await alive.chats.messages.page({ kind: 'service' }, id, id, { from: 'end', limit: 1 }))[0]
      await until(async () => (await last())?.status === 'completed')
      expect(await last()).toMatchObject({ content: 'All of it', sources: [{ title: 'A book' }] })
      run.end()
      await dead.close()
      await alive.close()
    })

    test('keep what they said where the text is gone with the one process that had it', async () => {
      const answerer = new ScriptedAnswerer()
      const first = await startServer({ database, answerer, answerLimits: { beatMs: 10 } })
      const ada = await signUp(first)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      await ada.send(`/api/chats/${id}/messages`, { content: 'Hello?' })
      const run = await answerer.run('Hello?')
      run.say('So far')
      const { answerId, messageId } = run.request
      const said = () => new AnswerStore(database).saidBy({ chatId: id, messageId, answerId })
      await until(async () => (await said()) === 'So far')
      // With a memory of its own, which knows nothing of the text.
      const next = await startServer({ database, answerer, answerLimits: { beatMs: 3_600_000 } })
      const ended = await next.answers.stop({ kind: 'service' }, id, messageId)
      expect(ended).toMatchObject({ status: 'stopped', content: 'So far' })
      await first.close()
      await next.close()
    })

    test('keep what they said together, to the letter, but for one that is being changed at that moment', async () => {
      const answerer = new ScriptedAnswerer()
      const server = await startServer({ database, answerer, answerLimits: { beatMs: 3_600_000 } })
      const ada = await signUp(server)
      const runs = await Promise.all(
        ['One?', 'Two?', 'Three?'].map(async (content) => {
          const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
          await ada.send(`/api/chats/${id}/messages`, { content })
          const run = await answerer.run(content)
          return { run, ...run.request }
        }),
      )
      const store = new AnswerStore(database)
      const said = new Map(runs.map(({ answerId }, at) => [answerId, `{"said", by '${at}'}\\\n`]))
      // The embedded database has one connection, on which nobody changes anything meanwhile.
      const [changed] = kind === 'postgres' ? runs : []
      const kept = await (changed === undefined
        ? store.keepSaid(said)
        : database.sql.begin(async (transaction) => {
            await transaction`SELECT 1 FROM answers WHERE id = ${changed.answerId} FOR UPDATE`
            return store.keepSaid(said)
          }))
      const free = runs.filter((run) => run !== changed)
      expect(kept.toSorted()).toEqual(free.map(({ answerId }) => answerId).toSorted())
      for (const ref of runs)
        expect(await store.saidBy(ref)).toBe(ref === changed ? '' : (said.get(ref.answerId) ?? ''))
      for (const { run } of runs) run.end()
      await server.close()
    })

    test('wait for the store of their text: what is posted is stored meanwhile', async () => {
      const answerer = new ScriptedAnswerer()
      const stores = memoryStores()
      const { open } = stores.buffer
      stores.buffer.open = () => Promise.reject(new Refusal('storage_unavailable'))
      const server = await startServer({ database, stores, answerer, answerLimits: { beatMs: 10 } })
      const ada = await signUp(server)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      expect((await ada.send(`/api/chats/${id}/messages`, { content: 'Hello?' })).status).toBe(200)
      stores.buffer.open = open
      const run = await answerer.run('Hello?')
      run.say('There you are')
      run.end()
      await server.dispatch.drain()
      const messages = await server.chats.messages.page({ kind: 'service' }, id, id, { from: 'end', limit: 10 })
      expect(messages.map(({ content }) => content)).toEqual(['Hello?', 'There you are'])
      await server.close()
    })

    test('end as failed where their answerer is silent for too long, or never begins', async () => {
      const answerer = new ScriptedAnswerer()
      const answerLimits = { firstMs: 20, betweenMs: 20, attempts: 1, retryMs: 1 }
      const server = await startServer({ database, answerer, answerLimits })
      const ada = await signUp(server)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      await ada.send(`/api/chats/${id}/messages`, { content: 'Hello?' })
      const run = await answerer.run('Hello?')
      run.say('Well')
      await server.dispatch.drain()
      const messages = await server.chats.messages.page({ kind: 'service' }, id, id, { from: 'end', limit: 10 })
      expect(messages[1]).toMatchObject({ status: 'failed' })
      expect(run.request.signal.aborted).toBe(true)
      await server.close()
    })

    test('end as failed where the server stops before they are whole', async () => {
      const answerer = new ScriptedAnswerer()
      const stores = memoryStores()
      const server = await startServer({ database, stores, answerer })
      const ada = await signUp(server)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      await ada.send(`/api/chats/${id}/messages`, { content: 'Hello?' })
      const run = await answerer.run('Hello?')
      run.say('I was')
      await until(async () => (await server.dispatchedText(id)) === 'I was')
      await server.dispatch.stop()
      const { events } = await server.chats.reader.events({ kind: 'service' }, id, { after: 0, limit: 100 })
      const ended = JSON.parse(events.at(-1)?.data ?? '')
      expect(ended).toMatchObject({ status: 'failed', content: 'I was', error: 'The server was restarted.' })
      await server.close()
    })

    test('are not begun where none is made: nothing is kept of them', async () => {
      const answerer = new ScriptedAnswerer()
      const stores = memoryStores()
      const server = await startServer({ database, stores, answerer })
      const ada = await signUp(server)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      const post = async (body: object) => (await ada.send(`/api/chats/${id}/messages`, body)).status
      const question = { content: 'Hello?', client_id: crypto.randomUUID() }
      expect([await post(question), await post(question)]).toEqual([200, 200])
      expect(stores.buffer.endingHere()).toHaveLength(1)
      const run = await answerer.run('Hello?')
      run.say('Hello')
      run.end()
      await until(() => stores.buffer.endingHere().length === 0)
      const reject = { on_busy: 'reject' }
      expect([await post(question), await post({ ...question, ...reject })]).toEqual([200, 200])
      expect(await post({ content: 'x', branch_id: Bun.randomUUIDv7(), ...reject })).toBe(404)
      expect(stores.buffer.endingHere()).toEqual([])
      await server.dispatch.stop()
      await server.close()
    })

    test('wait up to a number: what is posted after that is refused, and not stored', async () => {
      const answerer = new ScriptedAnswerer()
      const server = await startServer({ database, answerer, answerLimits: { waiting: 3 } })
      const ada = await signUp(server)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      const post = (body: object) => ada.send(`/api/chats/${id}/messages`, body)
      const client_id = crypto.randomUUID()
      const said = [{ content: 'One?' }, { content: 'Two?' }, { content: 'Three?', client_id }]
      for (const body of said) expect((await post(body)).status).toBe(200)
      expect(await refusalOf(await post({ content: 'Four?' }))).toEqual({ status: 409, reason: 'too_many_answers' })
      expect((await post({ content: 'Three?', client_id })).status).toBe(200)
      expect((await post({ content: 'A note', answer: false })).status).toBe(200)
      const messages = await server.chats.messages.page({ kind: 'service' }, id, id, { from: 'end', limit: 10 })
      expect(messages.map(({ content }) => content)).toEqual(['One?', '', 'Two?', '', 'Three?', '', 'A note'])
      // There is room again.
      ;(await answerer.run('One?')).end()
      await answerer.run('Two?')
      expect((await post({ content: 'Four?' })).status).toBe(200)
      await server.answers.forsake(id)
      await server.close()
    })

    test('leave those that wait for them to whoever starts next', async () => {
      const answerer = new ScriptedAnswerer()
      const server = await startServer({ database, answerer })
      const ada = await signUp(server)
      const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      const [first, second] = [`first ${id}`, `second ${id}`]
      for (const content of [first, second]) await ada.send(`/api/chats/${id}/messages`, { content })
      await answerer.run(first)
      await server.dispatch.stop()
      await server.close()

      const next = await startServer({ database, answerer, answerLimits: { beatMs: 10 } })
      const run = await answerer.run(second)
      run.say('At last')
      run.end()
      await next.dispatch.drain()
      const messages = await next.chats.messages.page({ kind: 'service' }, id, id, { from: 'end', limit: 10 })
      expect(messages.map(({ status, content }) => [status, content])).toEqual([
        ['completed', first],
        ['failed', ''],
        ['completed', second],
        ['completed', 'At last'],
      ])
      await next.close()
    })
  })
}
