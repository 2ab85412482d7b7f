import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { LiveChat } from '../../client/src/live-chat.ts'
import { historyIn } from '../../src/contract/chat-state.ts'
import { testDatabases } from '../support/database.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'
import { until } from '../support/wait.ts'
import { failureOf, type LiveGround, openLiveGround, recorded } from './live-ground.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`answers for the live client, on ${kind}`, () => {
    let ground: LiveGround
    const answerer = new ScriptedAnswerer()
    beforeAll(async () => {
      ground = await openLiveGround(open, { answerer })
    })
    afterEach(() => ground.calm())
    afterAll(async () => {
      for (const run of answerer.runs) run.end()
      await ground.close()
    })

    const said = (chat: LiveChat) => historyIn(chat.getSnapshot().state).map(({ content }) => content)
    const shows = (chat: LiveChat, ...contents: string[]) =>
      until(() => JSON.stringify(said(chat)) === JSON.stringify(contents), `${JSON.stringify(contents)}`)

    test('an answer grows in the chat as it is, through lost connections, and ends as it is stored', async () => {
      const chatId = await ground.newChat()
      const chat = ground.connect().chat(chatId)
      const views: string[] = []
      const leave = chat.subscribe(() => views.push(said(chat)[1] ?? ''))
      await ground.post(chatId, `one ${chatId}`)
      const run = await answerer.run(`one ${chatId}`)
      run.say('Hello')
      await shows(chat, `one ${chatId}`, 'Hello')
      run.say(' there')
      await shows(chat, `one ${chatId}`, 'Hello there')
      ground.line.cut()
      run.say(', wörld')
      await shows(chat, `one ${chatId}`, 'Hello there, wörld')
      const late = ground.connect().chat(chatId)
      const leaveLate = late.subscribe(() => {})
      await shows(late, `one ${chatId}`, 'Hello there, wörld')
      expect(historyIn(late.getSnapshot().state)[1]).toMatchObject({ status: 'processing' })
      run.end()
      await until(() => historyIn(late.getSnapshot().state)[1]?.status === 'completed')
      for (const text of views) expect('Hello there, wörld').toStartWith(text)
      leave()
      leaveLate()
    })

    test('answers are stopped, continued, made once more, and asked anew over the socket', async () => {
      const chatId = await ground.newChat()
      const live = ground.connect()
      const chat = live.chat(chatId)
      const leave = chat.subscribe(() => {})
      const question = await live.post(chatId, { content: `two ${chatId}` })
      const run = await answerer.run(question.content)
      run.say('One,')
      await shows(chat, question.content, 'One,')
      const { messageId } = run.request
      expect(await live.stop(chatId, messageId)).toMatchObject({ id: messageId, status: 'stopped', content: 'One,' })
      expect(await live.continue(chatId, messageId)).toMatchObject({ id: messageId, status: 'processing' })
      const second = await answerer.run(question.content, 2)
      second.say(' two')
      second.end()
      await until(() => chat.getSnapshot().state.messages[messageId]?.status === 'completed')
      expect(said(chat)).toEqual([question.content, 'One, two'])

      const other = await live.regenerate(chatId, messageId)
      expect(other).toMatchObject({ message_type: 'ai', position: 2, status: 'processing' })
      const third = await answerer.run(question.content, 3)
      third.say('Three')
      await shows(chat, question.content, 'Three')
      third.end()

      const resent = await live.resend(chatId, question.id, { content: `else ${chatId}` })
      expect(resent).toMatchObject({ content: `else ${chatId}`, position: 1 })
      await answerer.run(resent.content)
      await shows(chat, resent.content, '')

      expect(await failureOf(live.continue(chatId, messageId))).toMatchObject({ reason: 'answer_over' })
      expect(await failureOf(live.stop(chatId, question.id))).toMatchObject({ reason: 'not_answered' })
      expect(await failureOf(live.post(chatId, { content: 'Now!', on_busy: 'reject' }))).toMatchObject({
        reason: 'answer_running',
      })
      leave()
    })

    test('what would be done twice is not sent again where its answer was lost', async () => {
      const chatId = await ground.newChat()
      const record = recorded()
      const live = ground.connect({ WebSocket: record.WebSocket })
      const question = await live.post(chatId, { content: `three ${chatId}` })
      const run = await answerer.run(question.content)
      run.say('Three')
      run.end()
      const { messageId } = run.request
      await until(async () => (await ground.stored(chatId))[1] === 'Three')
      ground.line.deafen()
      const lost = failureOf(live.regenerate(chatId, messageId))
      await answerer.run(question.content, 2)
      ground.line.cut()
      expect(await lost).toMatchObject({ reason: 'unreachable' })
      expect(await live.stop(chatId, messageId)).toMatchObject({ content: 'Three' })
      expect(record.sent('regenerate')).toBe(1)
    })
  })
}
