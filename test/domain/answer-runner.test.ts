import { expect, test } from 'bun:test'
import { MemoryAnswerBuffer } from '../../src/adapters/memory/answers.ts'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { exampleMessage } from '../../src/contract/chats.ts'
import { LIMITS } from '../../src/domain/answers/limits.ts'
import { AnswerRunner } from '../../src/domain/answers/runner.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'

const answer = {
  id: 'answer',
  chat_id: 'chat',
  message_id: 'message',
  branch_id: 'branch',
  question_id: 'question',
  provider: 'demo',
  status: 'processing' as const,
  attempt: 1,
  begun: 0,
}

/** A runner whose database answers as `message` does; `ends`: how its answers have ended. */
function runnerWith(message: () => Promise<typeof exampleMessage>) {
  const answerer = new ScriptedAnswerer()
  const buffer = new MemoryAnswerBuffer(new MemoryBus())
  const ends: string[] = []
  const runner = new AnswerRunner({
    buffer,
    settlement: {
      async end(ref, { status }) {
        ends.push(`${status}: ${(await buffer.read(ref))?.text ?? ''}`)
        return status
      },
    },
    history: { page: async () => [] },
    files: { behind: async () => new Map() },
    message,
    answerer: () => answerer,
    rulesOf: async () => ({ answerer: 'demo', systemPrompt: null, historyMessages: 10, historyLength: 1000 }),
    hasPeople: async () => false,
    limits: LIMITS,
    handedOver: async () => {},
    report() {},
  })
  return { runner, answerer, ends, buffer }
}

test('a database that is away as an answer begins does not end it', async () => {
  let away = true
  const { runner, answerer, ends, buffer } = runnerWith(async () => {
    if (!away) return exampleMessage
    away = false
    throw new Refusal('storage_unavailable')
  })
  await buffer.open({ chatId: 'chat', messageId: 'message', answerId: 'answer' }, '')
  const running = runner.run(answer, new AbortController().signal)
  const run = await answerer.run(exampleMessage.content)
  run.say('Here')
  run.end()
  await running
  expect(ends).toEqual(['completed: Here'])
})

test('an answer that cannot be begun at all has failed at once', async () => {
  const { runner, ends } = runnerWith(() => Promise.reject(new Error('a fault of ours')))
  await runner.run(answer, new AbortController().signal)
  expect(ends).toEqual(['failed: '])
})
