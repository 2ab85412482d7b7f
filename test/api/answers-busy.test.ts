import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { EventPage } from '../../src/contract/chat-calls.ts'
import { applyEvent, NO_CHAT } from '../../src/contract/chat-state.ts'
import { Branch, Chat, Message } from '../../src/contract/chats.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { MemoryBlobs } from '../support/blobs.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { upload } from '../support/files.ts'
import { refusalOf } from '../support/people.ts'
import { type Person, personOf, signUp } from '../support/person.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'
import { sharedStores } from '../support/stores.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  for (const shared of sharedStores) {
    describe(`posts that do not wait for an answer, on two instances, ${kind} and ${shared.name}`, () => {
      let database: OpenedDatabase
      let servers: TestServer[]
      /** Ada, at each of them. */
      let adas: [Person, Person]
      const answerer = new ScriptedAnswerer()
      beforeAll(async () => {
        database = await open()
        const blobs = new MemoryBlobs()
        const [one, two] = await Promise.all(
          (await shared.open()).map((stores) =>
            startServer({ database, stores, answerer, blobs, answerLimits: { filesWaitMs: 1 } }),
          ),
        )
        if (one === undefined || two === undefined) throw new Error('There are two.')
        servers = [one, two]
        const ada = await signUp(one)
        adas = [ada, personOf(two, ada)]
      })
      afterAll(async () => {
        for (const server of servers) {
          await server.dispatch.stop()
          await server.close()
        }
        await database.close()
      })

      const newChat = async () => Chat.parse(await (await adas[0].send('/api/chats', { title: 'Talk' })).json()).id
      const post = (who: Person, chat: string, body: object) =>
        who.send(`/api/chats/${chat}/messages`, { ...body, on_busy: 'reject' })
      const messages = async (chat: string) =>
        z.object({ messages: z.array(Message) }).parse(await (await adas[0].call(`/api/chats/${chat}`)).json()).messages
      const replayed = async (chat: string) => {
        const { events } = EventPage.parse(await (await adas[0].call(`/api/chats/${chat}/events`)).json())
        return Object.values(events.reduce(applyEvent, NO_CHAT).messages)
      }
      const answered = async (question: string, chat: string) => {
        const run = await answerer.run(question)
        run.say('Only you')
        run.end()
        await until(async () => (await messages(chat)).at(-1)?.status === 'completed')
      }
      const words = () => `question ${crypto.randomUUID()}`

      test('one of those at the same moment is taken and answered, and of the others nothing is stored', async () => {
        const chat = await newChat()
        for (let round = 1; round <= 4; round += 1) {
          const posts = Array.from({ length: 12 }, (_, at) =>
            post(adas[at % 2 === 0 ? 0 : 1], chat, { content: words() }),
          )
          const outcomes = await Promise.all(posts)
          const [taken, ...more] = outcomes.filter(({ status }) => status === 200)
          expect(more).toEqual([])
          for (const refused of outcomes.filter((one) => one !== taken)) {
            expect(await refusalOf(refused)).toEqual({ status: 409, reason: 'answer_running' })
          }
          const question = Message.parse(await taken?.json())
          expect(question).toMatchObject({ status: 'completed', sender_type: 'user' })
          expect((await messages(chat)).slice(-2)).toMatchObject([question, { content: '', status: 'processing' }])
          await answered(question.content, chat)
          expect(await messages(chat)).toHaveLength(2 * round)
        }
        expect(await replayed(chat)).toEqual(await messages(chat))
      })

      test('the same client_id at the same moment is one message, which is answered once', async () => {
        const chat = await newChat()
        const body = { content: words(), client_id: crypto.randomUUID() }
        const posts = await Promise.all(adas.flatMap((who) => [0, 1, 2].map(() => post(who, chat, body))))
        const posted = await Promise.all(posts.map(async (answer) => Message.parse(await answer.json())))
        expect(new Set(posted.map(({ id }) => id)).size).toBe(1)
        await answered(body.content, chat)
        expect(await messages(chat)).toHaveLength(2)
        const other = await post(adas[0], chat, { ...body, content: 'else' })
        expect(await refusalOf(other)).toEqual({ status: 409, reason: 'client_id_reused' })
      })

      test('one has its files, its branch and its metadata, as any other has', async () => {
        const chat = await newChat()
        const [ada] = adas
        const first = words()
        const root = Message.parse(await (await post(ada, chat, { content: first })).json())
        await answered(first, chat)
        const made = await ada.send(`/api/chats/${chat}/messages/${root.id}/branches`, {})
        const branch_id = Branch.parse(await made.json()).id
        const { id } = await upload(ada, 'one.txt', 'one')
        const said = { content: words(), branch_id, file_ids: [id], metadata: { mood: 'fine' } }
        const message = Message.parse(await (await post(ada, chat, said)).json())
        expect(message).toMatchObject({
          branch_id,
          position: 2,
          metadata: said.metadata,
          files: [{ id, name: 'one.txt' }],
        })
        expect((await replayed(chat)).find((one) => one.id === message.id)).toEqual(message)
        expect(await refusalOf(await post(ada, chat, { ...said, content: words() }))).toMatchObject({ status: 409 })
        // The other branch is not busy.
        const beside = await post(ada, chat, { content: words(), branch_id: root.branch_id })
        expect(beside.status).toBe(200)
        const foreign = { content: words(), branch_id: crypto.randomUUID() }
        expect(await refusalOf(await post(ada, chat, foreign))).toEqual({ status: 404, reason: 'branch_missing' })
      })

      const interrupt = (who: Person, chat: string, body: object) =>
        who.send(`/api/chats/${chat}/messages`, { ...body, on_busy: 'interrupt' })

      test('of those that interrupt at the same moment each stops what was before it, and the last is answered', async () => {
        const chat = await newChat()
        const first = words()
        await post(adas[0], chat, { content: first })
        const run = await answerer.run(first)
        run.say('On and on')
        const questions = Array.from({ length: 8 }, words)
        const posts = await Promise.all(
          questions.map((content, at) => interrupt(adas[at % 2 === 0 ? 0 : 1], chat, { content })),
        )
        expect(posts.map(({ status }) => status)).toEqual(questions.map(() => 200))
        await until(() => run.request.signal.aborted)
        const said = await messages(chat)
        const asked = said.filter(({ sender_type }) => sender_type === 'user').map(({ content }) => content)
        expect(asked.toSorted()).toEqual([first, ...questions].toSorted())
        const statuses = said.filter(({ sender_type }) => sender_type === 'assistant').map(({ status }) => status)
        expect(statuses.slice(0, -1)).toEqual(questions.map(() => 'stopped' as const))
        expect(statuses.at(-1)).toBe('processing')
        await answered(asked.at(-1) ?? '', chat)
        expect(await replayed(chat)).toEqual(await messages(chat))
      })

      test('one that is refused has interrupted nothing', async () => {
        const chat = await newChat()
        const first = words()
        await post(adas[0], chat, { content: first })
        const run = await answerer.run(first)
        const branch = await interrupt(adas[0], chat, { content: words(), branch_id: crypto.randomUUID() })
        expect(await refusalOf(branch)).toEqual({ status: 404, reason: 'branch_missing' })
        const file = await interrupt(adas[1], chat, { content: words(), file_ids: [crypto.randomUUID()] })
        expect(await refusalOf(file)).toEqual({ status: 404, reason: 'file_missing' })
        expect(run.request.signal.aborted).toBe(false)
        expect((await messages(chat)).map(({ status }) => status)).toEqual(['completed', 'processing'])
        await answered(first, chat)
      })

      test('what nobody is to answer is stored all the same', async () => {
        const chat = await newChat()
        expect((await post(adas[0], chat, { content: words(), answer: false })).status).toBe(200)
        expect(await messages(chat)).toHaveLength(1)
        await adas[0].send(`/api/chats/${chat}/hand-over`, {})
        expect((await post(adas[0], chat, { content: words() })).status).toBe(200)
        expect((await messages(chat)).map(({ sender_type }) => sender_type)).toEqual(['user', 'user'])
      })
    })
  }
}
