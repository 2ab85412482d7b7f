import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { unwrap } from '../../client/src/errors.ts'
import { AnswerFault } from '../../src/domain/answers/answer-fault.ts'
import type { Answerer, AnswerRequest } from '../../src/domain/ports.ts'
import { startServer } from '../support/app.ts'
import { newActor } from '../support/chats.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

/** Says what it was given; fails where it is told to. */
const echo: Answerer = {
  name: 'demo',
  async *answer({ history, message }) {
    if (message === 'fail') throw new Error('told to')
    yield { type: 'text', text: `${history.map(({ role, content }) => `${role}:${content}`).join('|')}>` }
    yield { type: 'text', text: message }
  },
}

for (const { kind, open } of testDatabases()) {
  describe(`questions of the Branching API on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, { answerer: echo })
    })
    afterAll(() => people.close())

    const chats = () => people.ada.client.api.v1.chats
    const newChat = (name = 'Trip') => unwrap(chats()['create-chat'].post({ name }))
    const read = (chat_id: string) => unwrap(chats()['get-chat'].get({ query: { chat_id } }))
    const ask = (chat_id: string, question: string, headers: Record<string, string> = {}) =>
      people.ada.client.api.v1.messages['add-message'].post({ chat_id, question }, { headers })
    test('a failed answer leaves the question, and the same key asks for the answer alone', async () => {
      const { id } = await newChat()
      const key = { 'idempotency-key': crypto.randomUUID() }
      const failed = await ask(id, 'fail', key)
      expect(failed.error?.status).toBe(502)
      expect(failed.error?.value.reason).toBe('answer_failed')
      expect((await read(id)).qa_pairs).toEqual([])
      expect((await ask(id, 'fail', key)).error?.value.reason).toBe('answer_failed')
      const { messages } = await unwrap(people.ada.client.api.chats({ chat_id: id }).get())
      expect(messages.map(({ content, status }) => [content, status])).toEqual([
        ['fail', 'completed'],
        ['', 'failed'],
      ])
    })

    test('asked again, it waits for the answer that is tried once more, also where that waits for another', async () => {
      const answerer = new ScriptedAnswerer()
      const server = await startServer({ database: people.database, answerer })
      const { answers, chats: world } = server
      const actor = await newActor(people.database)
      const { id } = await world.chats.create(actor, { title: 'Talk' })
      const asked = { branchId: id, question: 'well?', clientId: crypto.randomUUID() }
      const failed = answers.ask(actor, id, asked)
      ;(await answerer.run('well?')).fail(new AnswerFault('Not today.'))
      await expect(failed).rejects.toThrow(expect.objectContaining({ reason: 'answer_failed' }))
      await answers.post(actor, id, { content: 'And this?' })
      const between = await answerer.run('And this?')
      const again = answers.ask(actor, id, asked)
      await until(async () => {
        const messages = await world.messages.page(actor, id, id, { from: 'end', limit: 10 })
        return messages[1]?.status === 'pending'
      })
      between.say('That')
      between.end()
      const second = await answerer.run('well?', 2)
      second.say('Here it is')
      second.end()
      expect((await again).answer).toMatchObject({ content: 'Here it is', status: 'completed' })
      await server.close()
    })

    test('the same key asks once, however often and at the same time', async () => {
      const { id } = await newChat()
      const key = { 'idempotency-key': crypto.randomUUID() }
      const answers = await Promise.all(Array.from({ length: 5 }, () => unwrap(ask(id, 'once?', key))))
      expect(new Set(answers.map(({ response_id }) => response_id)).size).toBe(1)
      expect(answers).toContainEqual(await unwrap(ask(id, 'once?', key)))
      expect((await read(id)).qa_pairs).toHaveLength(1)
      expect((await ask(id, 'another?', key)).error?.value.reason).toBe('client_id_reused')
    })

    test('questions asked at once keep their own answers', async () => {
      const { id } = await newChat()
      const questions = Array.from({ length: 8 }, (_, number) => `question ${number}`)
      await Promise.all(questions.map((question) => unwrap(ask(id, question))))
      const { qa_pairs } = await read(id)
      expect(qa_pairs.map(({ question }) => question).sort()).toEqual(questions)
      for (const { question, response } of qa_pairs) expect(response).toEndWith(`>${question}`)
    })

    test('an answer that takes too long is waited for no more, and goes on by itself', async () => {
      let hangs = false
      let released = false
      const hanging: Answerer = {
        name: 'demo',
        async *answer({ signal }) {
          yield { type: 'text', text: 'Well' }
          const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
          hangs = true
          await aborted
          released = true
        },
      }
      const answerLimits = { patienceMs: 1 }
      const server = await startServer({ database: people.database, answerer: hanging, answerLimits })
      const { answers, chats: world } = server
      const actor = await newActor(people.database)
      const { id } = await world.chats.create(actor, { title: 'Talk' })
      await expect(answers.ask(actor, id, { branchId: id, question: 'hm?' })).rejects.toThrow(
        expect.objectContaining({ reason: 'answer_late' }),
      )
      const messages = await world.messages.page(actor, id, id, { from: 'end', limit: 10 })
      expect(messages.map(({ status }) => status)).toEqual(['completed', 'processing'])
      await until(() => hangs)
      await server.dispatch.stop()
      await until(() => released)
      await server.close()
    })

    test('an answerer is given as much history as fits, and what it says is made storable', async () => {
      const given: AnswerRequest[] = []
      const noting: Answerer = {
        name: 'demo',
        async *answer(request) {
          given.push(request)
          yield { type: 'text', text: ` a\0b\ud800 ${'x'.repeat(50)}` }
        },
      }
      const env = { AI_HISTORY_MESSAGES: '3', AI_HISTORY_LENGTH: '12' }
      const answerLimits = { answerLength: 10 }
      const server = await startServer({ database: people.database, answerer: noting, answerLimits, env })
      const { answers, chats: world } = server
      const actor = await newActor(people.database)
      const { id } = await world.chats.create(actor, { title: 'Talk' })
      const post = (content: string) => world.messages.post(actor, id, { content })
      await post('first')
      const gone = await post('second')
      await post('third')
      await world.messages.remove(actor, id, gone.id)
      const ask = () => answers.ask(actor, id, { branchId: id, question: 'ok?' })
      expect((await ask()).answer.content).toBe('ab\ufffd xxxxxx')
      await ask()
      const contents = given.map(({ history }) => history.map(({ content }) => content))
      expect(contents).toEqual([['first', 'third'], ['ab\ufffd xxxxxx']])
      await server.close()
    })
  })
}
