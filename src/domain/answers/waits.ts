import type { Message } from '../../contract/chats.ts'
import type { Actor } from '../accounts/actor.ts'
import type { MessageService } from '../chats/messages.ts'
import type { TailListener } from '../live/chat-tail.ts'
import type { LiveChats } from '../live/live-chats.ts'
import { Refusal } from '../refusal.ts'
import { isRunning } from './answer-store.ts'

/** For those who cannot watch an answer, and wait for its end. */
export class AnswerWaits {
  readonly #live: LiveChats
  readonly #messages: MessageService
  readonly #patienceMs: number

  constructor(live: LiveChats, messages: MessageService, patienceMs: number) {
    this.#live = live
    this.#messages = messages
    this.#patienceMs = patienceMs
  }

  /** Resolves to an answer's message once it has ended, on any instance. Throws `Refusal('answer_late')`. */
  async end(actor: Actor, chatId: string, messageId: string): Promise<Message> {
    const open = await this.#live.open(chatId)
    const endsAt = Date.now() + this.#patienceMs
    let wake = () => {}
    const tells = `"message_id":"${messageId}"`
    const listener: TailListener = {
      event({ text }) {
        if (text.includes(tells)) wake()
      },
      broken: () => wake(),
    }
    open.tail.listen(listener)
    try {
      while (true) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        const message = await this.#messages.get(actor, chatId, messageId)
        if (!isRunning(message)) return message
        const left = endsAt - Date.now()
        if (left <= 0) throw new Refusal('answer_late')
        const timer = setTimeout(resolve, left)
        await promise
        clearTimeout(timer)
      }
    } finally {
      open.tail.unlisten(listener)
      open.close()
    }
  }
}
