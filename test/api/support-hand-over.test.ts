import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { EventPage } from '../../src/contract/chat-calls.ts'
import { Message } from '../../src/contract/chats.ts'
import { SupportMessage, SupportSession } from '../../src/contract/support.ts'
import { SupportQueue } from '../../src/contract/support-desk.ts'
import { AnswerFault } from '../../src/domain/answers/answer-fault.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { ChatCompletions, DONE, event, ends as finishes, says, stream } from '../support/chat-completions.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { refusalOf } from '../support/people.ts'
import { type Person, signUp } from '../support/person.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'
import { storeKinds } from '../support/stores.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const base = '/api/v1/sessions'
const SERVICE = { kind: 'service' } as const
const Made = z.object({ id: z.string() })

for (const { kind, open } of testDatabases()) {
  for (const stores of storeKinds) {
    // Each database once, each of the other stores once.
    if ((kind === 'embedded') !== (stores.name === 'memory') && testDatabases().length > 1 && storeKinds.length > 1)
      continue
    describe(`handing over on ${kind} and ${stores.name}`, () => {
      let database: OpenedDatabase
      let server: TestServer
      let ada: Person
      let agent: Person
      const answerer = new ScriptedAnswerer()
      beforeAll(async () => {
        database = await open()
        const answerLimits = { retryMs: 1, beatMs: 20 }
        const env = { PUBLIC_APIS: ',', SUPPORT_SESSIONS_PER_AGENT: '100' }
        server = await startServer({ database, env, stores: await stores.open(), answerer, answerLimits })
        ada = await signUp(server, 'ada')
        agent = await signUp(server, 'agent')
        await server.accounts.amend(SERVICE, agent.user.id, { role: 'agent' })
      })
      afterAll(async () => {
        for (const run of answerer.runs) run.end()
        await server.close()
        await database.close()
      })

      const opened = async (more: object = {}) => {
        const session = { user_id: ada.user.id, answering: true, ...more }
        return SupportSession.parse(await (await ada.send(base, session)).json())
      }
      const words = () => `question ${crypto.randomUUID()}`
      const ask = async (id: string, content = words()) => {
        await ada.send(`${base}/${id}/messages`, { content, sender_type: 'user', sender_id: ada.user.id })
        return answerer.run(content)
      }
      const session = async (answer: Promise<Response>) => SupportSession.parse(await (await answer).json())
      const act = (who: Person, id: string, what: string) => session(who.send(`${base}/${id}/${what}`, {}))
      const read = (id: string) => server.support.read(SERVICE, id)
      const events = async (id: string) =>
        EventPage.parse(await (await ada.call(`/api/chats/${id}/events`)).json()).events
      const waits = (id: string) => until(async () => (await read(id)).waiting_since !== null, 'the session to wait')
      const ends = async (id: string) => (await events(id)).filter(({ type }) => type === 'answer.ended')

      test('a session begins with the AI, goes to a person and back', async () => {
        const made = await opened()
        expect(made).toMatchObject({ answering: true, waiting_since: null })
        const { id } = made
        const run = await ask(id)
        run.say('I am the AI.')
        run.end()
        await until(async () => (await read(id)).messages.length === 2, 'the answer')
        const asked = await act(ada, id, 'hand-over')
        expect(asked).toMatchObject({ answering: false, agent_id: null })
        expect(asked.waiting_since).not.toBeNull()
        expect(await act(ada, id, 'hand-over')).toEqual(asked)
        // The AI is silent, whoever asks.
        const silent = words()
        await ada.send(`/api/chats/${id}/messages`, { content: silent })
        await act(agent, id, 'claim')
        await agent.send(`${base}/${id}/messages`, {
          content: 'I am a person.',
          sender_type: 'agent',
          sender_id: agent.user.id,
        })
        await agent.send(`${base}/${id}/notes`, { content: 'A secret among agents' })
        const { messages } = await read(id)
        expect(messages.map(({ sender_type }) => sender_type)).toEqual(['user', 'assistant', 'user', 'agent'])
        const again = await ada.send(`/api/chats/${id}/messages/${messages[1]?.id}/regenerate`, {})
        expect(await refusalOf(again)).toEqual({ status: 409, reason: 'answered_by_people' })
        const back = await act(agent, id, 'give-back')
        expect(back).toMatchObject({ answering: true, agent_id: null, status: 'active' })
        const next = await ask(id)
        // It knows what was said meanwhile, and none of what agents told each other.
        const told = next.request.history.map(({ content }) => content)
        expect(told).toContain('I am a person.')
        expect(told).toContain(silent)
        expect(JSON.stringify(next.request)).not.toContain('secret')
        next.say('Me again.')
        next.end()
        await until(async () => (await read(id)).messages.at(-1)?.content === 'Me again.', 'the answer')
        expect(answerer.runs.filter(({ request }) => request.message === silent)).toEqual([])
      })

      test('given back, the AI answers what the customer said last, and nothing that was answered', async () => {
        const { id } = await opened()
        await act(ada, id, 'hand-over')
        const [silent, last] = [words(), words()]
        for (const content of [silent, last]) await ada.send(`/api/chats/${id}/messages`, { content })
        await act(agent, id, 'claim')
        const back = await act(agent, id, 'give-back')
        expect(back).toMatchObject({ answering: true, agent_id: null })
        const run = await answerer.run(last)
        expect(run.request.history.map(({ content }) => content)).toEqual([silent])
        run.fail(new AnswerFault('No model.'))
        await waits(id)
        await act(agent, id, 'claim')
        await act(agent, id, 'give-back')
        const again = await answerer.run(last, 2)
        again.say('There you are.')
        again.end()
        await until(async () => (await read(id)).messages.at(-1)?.content === 'There you are.', 'the answer')
        expect((await read(id)).messages.map(({ content }) => content)).toEqual([silent, last, 'There you are.'])
        await act(ada, id, 'hand-over')
        await act(agent, id, 'claim')
        await act(agent, id, 'give-back')
        expect(answerer.runs.filter(({ request }) => request.chatId === id)).toHaveLength(2)
      })

      test('given back, the AI answers what it was stopped from before it said a word', async () => {
        const { id } = await opened()
        const [first, last] = [words(), words()]
        const run = await ask(id, first)
        await ada.send(`/api/chats/${id}/messages`, { content: last })
        await act(ada, id, 'hand-over')
        await until(() => run.request.signal.aborted)
        await act(agent, id, 'claim')
        await act(agent, id, 'give-back')
        const next = await answerer.run(last)
        next.say('There you are.')
        next.end()
        await until(async () => (await read(id)).messages.at(-1)?.content === 'There you are.', 'the answer')
        expect(answerer.runs.filter(({ request }) => request.message === first)).toHaveLength(1)
      })

      test('given back, it tries again the answer that failed, also beside another that did not', async () => {
        const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
        const question = words()
        await ada.send(`/api/chats/${id}/messages`, { content: question })
        const said = async () =>
          z.object({ messages: z.array(Message) }).parse(await (await ada.call(`/api/chats/${id}`)).json())
        const last = async () => (await said()).messages.at(-1)
        const first = await answerer.run(question)
        first.say('One.')
        first.end()
        await until(async () => (await last())?.status === 'completed', 'the answer')
        await ada.send(`/api/chats/${id}/messages/${(await last())?.id}/regenerate`, {})
        ;(await answerer.run(question, 2)).fail(new AnswerFault('No model.'))
        await until(async () => (await last())?.status === 'failed', 'the end of the other')
        await ada.send(`/api/chats/${id}/hand-over`, {})
        await act(agent, id, 'claim')
        await act(agent, id, 'give-back')
        const again = await answerer.run(question, 3)
        again.say('Another.')
        again.end()
        await until(async () => (await last())?.content === 'Another.', 'what it says')
      })

      test('a session that is archived is given back, and nothing answered', async () => {
        const { id } = await opened()
        await act(ada, id, 'hand-over')
        const question = words()
        await ada.send(`/api/chats/${id}/messages`, { content: question })
        await act(agent, id, 'claim')
        await database.sql`UPDATE chats SET archived_at = now() WHERE id = ${id}`
        expect(await act(agent, id, 'give-back')).toMatchObject({ answering: true, agent_id: null })
        expect(answerer.runs.filter(({ request }) => request.message === question)).toEqual([])
      })

      test('in the middle of an answer it leaves exactly one end of it, and what was said', async () => {
        for (let round = 0; round < 10; round += 1) {
          const { id } = await opened()
          const run = await ask(id)
          run.say('It is like this: ')
          await until(async () => (await server.dispatchedText(id)) === 'It is like this: ', 'the first words')
          // Another question waits behind it.
          const later = words()
          await ada.send(`${base}/${id}/messages`, { content: later, sender_type: 'user', sender_id: ada.user.id })
          const whole = (async () => {
            run.say('more of it')
            if (round % 2) run.end()
            else run.fail(new AnswerFault('It broke.'))
          })()
          const [asked] = await Promise.all([act(ada, id, 'hand-over'), act(ada, id, 'hand-over'), whole])
          expect(asked.waiting_since).not.toBeNull()
          await until(async () => (await ends(id)).length === 2, 'both ends')
          const log = await events(id)
          const changes = log.filter(({ type }) => type === 'support.updated')
          expect(changes).toHaveLength(2)
          // Nothing begins after that.
          const handed = changes[1]?.seq ?? 0
          expect(log.filter(({ type, seq }) => type === 'answer.started' && seq > handed)).toEqual([])
          expect(new Set((await ends(id)).map(({ data }) => 'message_id' in data && data.message_id)).size).toBe(2)
          const rows = await database.sql`SELECT status FROM answers WHERE chat_id = ${id}`
          expect(rows.every(({ status }) => ['completed', 'stopped', 'failed'].includes(status))).toBe(true)
          const said = (await read(id)).messages.find(({ sender_type }) => sender_type === 'assistant')
          expect(said?.content.startsWith('It is like this: ')).toBe(true)
        }
      })

      test('a model is told of people where there are some, and asks for one', async () => {
        const call = { index: 0, id: 'call_1', function: { name: 'ask_for_a_person', arguments: '{}' } }
        await using service = new ChatCompletions(async (asked) => {
          const mayAsk = 'tools' in Object(await asked.json())
          if (!mayAsk) return stream(says('It is me alone.'), finishes('stop'), DONE)
          const calls = event({ choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: 'tool_calls' }] })
          return stream(says('A person will help you.'), calls, DONE)
        })
        const modelled = await startServer({ database, stores: await stores.open(), answerer: service.answerer() })
        const bob = await signUp(modelled, 'bob')
        const last = async (chat: string) =>
          (await modelled.chats.messages.page(SERVICE, chat, chat, { from: 'end', limit: 1 }))[0]
        const post = async (what: object) => {
          const { id } = Made.parse(await (await bob.send('/api/chats', { title: 'Talk' })).json())
          if ('on_failure' in what) await bob.send(`/api/chats/${id}/hand-over`, what, 'PUT')
          await bob.send(`/api/chats/${id}/messages`, { content: 'I want a person.' })
          await until(async () => (await last(id))?.status === 'completed', 'the answer')
          return id
        }
        const plain = await post({})
        const supported = await post({ on_failure: true })
        expect(await last(plain)).toMatchObject({ content: 'It is me alone.', status: 'completed' })
        expect(await last(supported)).toMatchObject({ content: 'A person will help you.', status: 'completed' })
        const session = await modelled.support.read(SERVICE, supported)
        expect(session).toMatchObject({ user_id: bob.user.id, answering: false, agent_id: null })
        expect(session.waiting_since).not.toBeNull()
        await modelled.close()
      })

      test('an answerer asks for a person by itself, and an answer that fails does where that is allowed', async () => {
        const { id } = await opened()
        const run = await ask(id)
        run.say('Somebody will help you.')
        run.give({ type: 'person' })
        await waits(id)
        expect(await ends(id)).toMatchObject([{ data: { status: 'completed', content: 'Somebody will help you.' } }])

        const { id: failing } = await opened()
        const broken = await ask(failing)
        broken.fail(new AnswerFault('No model.'))
        await waits(failing)
        expect(await ends(failing)).toMatchObject([{ data: { status: 'failed' } }])
        const log = await events(failing)
        expect(log.at(-1)).toMatchObject({ type: 'support.updated', data: { answering: false } })

        const { id: kept } = await opened({ hand_over_on_failure: false })
        const fails = await ask(kept)
        fails.fail(new AnswerFault('No model.'))
        await until(async () => (await ends(kept)).length === 1, 'its end')
        expect(await read(kept)).toMatchObject({ answering: true, waiting_since: null })
      })

      test('any chat becomes a session of its owner’s', async () => {
        const { id } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
        // The owner was known to these caches before.
        await ada.call(`/api/chats/${id}`)
        expect(await session(ada.send(`/api/chats/${id}/hand-over`, { on_failure: true }, 'PUT'))).toMatchObject({
          id,
          user_id: ada.user.id,
          answering: true,
        })
        const question = words()
        await ada.send(`/api/chats/${id}/messages`, { content: question })
        const run = await answerer.run(question)
        run.fail(new AnswerFault('No model.'))
        await waits(id)
        const queue = SupportQueue.parse(await (await agent.call('/api/v1/support/queue')).json())
        expect(queue.sessions.map((waiting) => waiting.id)).toContain(id)
        await act(agent, id, 'claim')
        const posted = await agent.send(`/api/chats/${id}/messages`, { content: 'Me, a person.' })
        expect(Message.parse(await posted.json())).toMatchObject({ sender_type: 'agent', sender_id: agent.user.id })
        const said = SupportMessage.array().parse(await (await ada.call(`${base}/${id}/messages`)).json())
        expect(said.at(-1)).toMatchObject({ content: 'Me, a person.', sender_type: 'agent' })

        const { id: other } = Made.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
        expect(await session(ada.send(`/api/chats/${other}/hand-over`, {}))).toMatchObject({ answering: false })
        expect(await session(ada.send(`${base}/${other}/end`, {}))).toMatchObject({ status: 'ended' })
        expect(await refusalOf(await ada.send(`/api/chats/${other}/messages`, { content: 'Wait!' }))).toMatchObject({
          reason: 'session_ended',
        })
      })

      test('who gives a session to an agent stops what the AI is saying', async () => {
        for (const give of [
          (id: string) => server.supportDesk.assign(SERVICE, id, agent.user.id),
          (id: string) => server.support.update(SERVICE, id, { agent_id: agent.user.id }),
        ]) {
          const { id } = await opened()
          const run = await ask(id)
          run.say('On and on')
          await until(async () => (await server.dispatchedText(id)) === 'On and on', 'the first words')
          expect(await give(id)).toMatchObject({ agent_id: agent.user.id, answering: false })
          expect(await ends(id)).toMatchObject([{ data: { status: 'stopped', content: 'On and on' } }])
        }
      })

      test('a session that ends stops what the AI is saying', async () => {
        const { id } = await opened()
        const run = await ask(id)
        run.say('On and on')
        await until(async () => (await server.dispatchedText(id)) === 'On and on', 'the first words')
        expect(await act(ada, id, 'end')).toMatchObject({ status: 'ended' })
        expect(await ends(id)).toMatchObject([{ data: { status: 'stopped', content: 'On and on' } }])
      })
    })
  }
}
