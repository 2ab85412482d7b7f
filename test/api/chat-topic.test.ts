import { expect, test } from 'bun:test'
import { ChatTopic, type TopicParts } from '../../src/api/ws/chat-topic.ts'

/** A topic of nobody's, and the frames that it published. */
function newTopic() {
  const published: string[] = []
  const parts = {
    publisher: { publish: (_, frame) => published.push(frame) },
    live: { open: () => new Promise(() => {}) },
    dialect: {
      name: 'test',
      frame: ({ text }) => (text === 'untold' ? undefined : text),
      batch: (frames) => `[${frames.join()}]`,
      answers: {
        joined: () => undefined,
        begins: () => 'begins',
        delta: ({ text }) => text,
        replaced: () => 'replaced',
      },
    },
  } satisfies { [Part in 'publisher' | 'dialect']: TopicParts[Part] } & { live: { open(): Promise<unknown> } }
  // What else a topic has, it has for those who join.
  const topic = new ChatTopic('chat', parts as unknown as TopicParts)
  const tell = (...texts: string[]) => {
    for (const [seq, text] of texts.entries()) topic.event({ seq, text })
  }
  return { topic, published, tell }
}

const answer = { chatId: 'chat', messageId: 'message', answerId: 'answer', provider: 'demo', begun: 0 }

test('events of one turn go out together, at its end', async () => {
  const { published, tell } = newTopic()
  tell('a', 'untold', 'b')
  expect(published).toEqual([])
  await Promise.resolve()
  expect(published).toEqual(['[a,b]'])
  tell('c')
  await Promise.resolve()
  expect(published).toEqual(['[a,b]', 'c'])
})

test('whatever else is told comes after the events before it, and before those after it', async () => {
  const { topic, published, tell } = newTopic()
  tell('a', 'b')
  topic.tellAll('typing')
  tell('c')
  topic.begins(answer, '')
  tell('d', 'e')
  topic.delta({ answer, offset: 0, text: 'piece' })
  tell('f')
  topic.replaced(answer, '')
  tell('g')
  await Promise.resolve()
  expect(published).toEqual(['[a,b]', 'typing', 'c', 'begins', '[d,e]', 'piece', 'f', 'replaced', 'g'])
})

test('a frame of many events is bounded', async () => {
  const { published, tell } = newTopic()
  const long = 'x'.repeat(30_000)
  tell(long, long, long, long)
  await Promise.resolve()
  expect(published.map((frame) => frame.length)).toEqual([3 * long.length + 4, long.length])
})
