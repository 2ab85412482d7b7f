import type { Message } from '../../contract/chats.ts'
import type { Actor } from '../accounts/actor.ts'
import { isRunning } from '../answers/answer-store.ts'
import type { ChatServices } from '../chats/services.ts'
import { Refusal } from '../refusal.ts'
import type { ChatTail, TailEvent, TailListener } from './chat-tail.ts'

/** A message as its watchers know it; `isRunning`: what they are told next goes on right after its text. */
export type Said = Pick<Message, 'content' | 'sources'> & { isRunning: boolean }

type Parts = Pick<ChatServices, 'messages' | 'log' | 'live'>

/** A message that changes faster than it is read is read again so often. */
const TRIES_MAX = 10

/**
 * Tells what a message says, in the moment in which the watchers of its chat have been told just that. Throws
 * `Refusal('chat_missing' | 'message_missing' | 'storage_unavailable' | 'overloaded')`.
 */
export async function tellSaid(
  { messages, log, live }: Parts,
  actor: Actor,
  tail: ChatTail,
  messageId: string,
  tell: (said: Said) => void,
): Promise<void> {
  const { chatId } = tail
  const growing = () => [...live.answers.current(chatId)].find(({ answer }) => answer.messageId === messageId)
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const known = growing()
    if (known !== undefined) return tell({ content: known.text, sources: [], isRunning: true })
    const changes = new Changes(messageId)
    tail.listen(changes)
    try {
      const message = await messages.get(actor, chatId, messageId)
      const newest = await log.newest(chatId)
      if (newest === undefined) throw new Refusal('chat_missing')
      // The watchers may have been told of less than the message says, and are about to be.
      await tail.reached(newest)
      if (!changes.seen && growing() === undefined) {
        const { content, sources } = message
        return tell({ content, sources, isRunning: isRunning(message) })
      }
    } finally {
      tail.unlisten(changes)
    }
  }
  throw new Refusal('overloaded')
}

/** Whether anything was told of a message. */
class Changes implements TailListener {
  readonly #marker: string
  seen = false

  constructor(messageId: string) {
    this.#marker = `"message_id":"${messageId}"`
  }

  event({ text }: TailEvent): void {
    this.seen ||= text.includes(this.#marker)
  }

  broken(): void {
    this.seen = true
  }
}
