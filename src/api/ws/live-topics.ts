import type { Live } from '../../domain/live/live.ts'
import { answerFrame } from '../following.ts'
import type { Publisher } from './audience.ts'
import type { ChatDialect } from './chat-topic.ts'
import { ChatTopics } from './chat-topics.ts'
import { encodeFrame } from './live-frames.ts'

/** The chats that live sockets watch: with a frame for each event, or one for those that come about together. */
export type LiveTopics = { single: ChatTopics; batched: ChatTopics }

/** The native dialect: the frame of an event is its text as it stands. */
const DIALECT: ChatDialect = {
  name: 'live',
  frame: ({ text }) => text,
  answers: {
    joined: (answer, text) => JSON.stringify(answerFrame(answer, undefined, text)),
    begins: (answer, text) => JSON.stringify(answerFrame(answer, undefined, text)),
    delta: ({ answer, offset, text }) => JSON.stringify(answerFrame(answer, offset, text)),
    // The event of its end has the whole text.
    replaced: () => undefined,
  },
}

export function liveTopics(publisher: Publisher, live: Live): LiveTopics {
  const single = new ChatTopics({ publisher, live }, DIALECT)
  const batched = new ChatTopics(
    { publisher, live },
    { ...DIALECT, name: 'live-batched', batch: (frames) => `[${frames.join()}]` },
  )
  const tell = (chatId: string, frame: string) => {
    single.publish(chatId, frame)
    batched.publish(chatId, frame)
  }
  live.onSignal({
    presence: (chat_id, present) => tell(chat_id, encodeFrame({ type: 'presence', chat_id, ...present })),
    typing: (chat_id, user_id, typing) => tell(chat_id, encodeFrame({ type: 'typing', chat_id, user_id, typing })),
  })
  return { single, batched }
}
