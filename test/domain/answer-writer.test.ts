import { expect, test } from 'bun:test'
import { MemoryAnswerBuffer } from '../../src/adapters/memory/answers.ts'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { AnswerWriter } from '../../src/domain/answers/writer.ts'

test('an answer that is as long as it may be takes nothing behind what was left out', async () => {
  const buffer = new MemoryAnswerBuffer(new MemoryBus())
  const ref = { chatId: 'chat', messageId: 'message', answerId: 'answer' }
  await buffer.open(ref, '')
  const writer = new AnswerWriter(buffer, ref, '', 5, new AbortController().signal)
  // The hand is two code units, of which there is room for one.
  for (const piece of ['four', '👋', 'x']) await writer.add(piece)
  await writer.end()
  expect(writer.full).toBe(true)
  expect((await buffer.read(ref))?.text).toBe('four')
})

test('an answer that was ended meanwhile takes no more, and its writer comes to its end', async () => {
  const buffer = new MemoryAnswerBuffer(new MemoryBus())
  const ref = { chatId: 'chat', messageId: 'message', answerId: 'answer' }
  await buffer.open(ref, '')
  const writer = new AnswerWriter(buffer, ref, '', 100, new AbortController().signal)
  await writer.add('said ')
  await writer.end()
  await buffer.finish(ref, 'stopped')
  for (const piece of ['too ', 'late']) await writer.add(piece)
  // Where it would not, nothing else runs any more either: the run as a whole is ended by its limit.
  await writer.end()
  expect(writer.fenced).toBe(true)
  expect((await buffer.read(ref))?.text).toBe('said ')
})
