import type { AskedMessage } from '../../contract/answers.ts'
import type { Message, Source } from '../../contract/chats.ts'
import { Id } from '../../contract/text.ts'
import type { Actor } from '../accounts/actor.ts'
import type { ChatServices } from '../chats/services.ts'
import { Refusal } from '../refusal.ts'
import type { AnswerStore } from './answer-store.ts'
import { answerClientId } from './new-answers.ts'
import type { AnswerService } from './service.ts'
import type { AnswerStarts } from './starts.ts'

/** A message under the name that its client gave it: one of the client's own, or the message's id. */
export type ClientMessage = { id: string; text: string }

/** How an answer ended. */
export type AnswerEnded = {
  status: 'completed' | 'stopped' | 'failed'
  /** All that it says. */
  content: string
  sources: readonly Pick<Source, 'id' | 'title' | 'url'>[]
  /** Why it failed, for a person to read. */
  error: string | null
}

type Parts = {
  chats: Pick<ChatServices, 'chats' | 'messages' | 'reader'>
  store: AnswerStore
  starts: AnswerStarts
  answers: AnswerService
}

/**
 * For clients that keep the conversation themselves, under names of their own. What is said is stored once, however often
 * it is sent. Each call resolves to the message that the answer writes.
 */
export class ClientTurns {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The next message of the active branch. Throws as `AnswerService.post` does, or `Refusal('too_many_answers')`. */
  async submit(
    actor: Actor,
    chatId: string,
    { id, text }: ClientMessage,
    busy: Pick<AskedMessage, 'on_busy'> = {},
  ): Promise<string> {
    const draft = { content: text, client_id: clientIdOf(chatId, id), ...busy }
    return this.#answerTo(actor, await this.#parts.answers.post(actor, chatId, draft))
  }

  /**
   * Something else in the place of a message, in a branch of its own. Where it says the same, it is answered if it was not,
   * or in vain. What is still being made in the branch that is left is stopped.
   */
  async resubmit(actor: Actor, chatId: string, said: ClientMessage): Promise<string> {
    const target = await this.#find(actor, chatId, said.id)
    if (target === undefined) return this.submit(actor, chatId, said)
    if (target.content === said.text) return this.#answerTo(actor, target, { again: true })
    const resent = { content: said.text, client_id: clientIdOf(chatId, said.id, said.text) }
    const { answers, chats } = this.#parts
    const { active_branch_id: left } = await chats.chats.get(actor, chatId)
    const { branch, message } = await answers.resend(actor, chatId, target.id, resent)
    // Sent once more, it has its branch already.
    if (branch.id !== left) await answers.stopIn(chatId, left)
    return this.#answerTo(actor, message, { again: true })
  }

  /**
   * Another answer, in a branch of its own beside the one with this id, or beside the first one; a first one where there is
   * none. One that is still being made is stopped. Throws `Refusal('message_missing')` for a question that is not known.
   */
  async answerAgain(actor: Actor, chatId: string, asked: ClientMessage, answerId: string | undefined): Promise<string> {
    const { answers, chats } = this.#parts
    const resent = await chats.reader.posted(actor, chatId, clientIdOf(chatId, asked.id, asked.text))
    const question = resent ?? (await this.#find(actor, chatId, asked.id))
    if (question === undefined) throw new Refusal('message_missing')
    const first = await chats.reader.posted(actor, chatId, answerClientId(question.id))
    if (first === undefined) return this.#answerTo(actor, question)
    const replaced = Id.safeParse(answerId).data ?? first.id
    await answers.stop(actor, chatId, replaced)
    return (await answers.regenerate(actor, chatId, replaced)).id
  }

  /** The answer that is being made in the active branch, or waits to be. */
  async running(actor: Actor, chatId: string): Promise<string | undefined> {
    const { active_branch_id } = await this.#parts.chats.chats.get(actor, chatId)
    const running = await this.#parts.store.runningOf(chatId)
    return running.find(({ branch_id }) => branch_id === active_branch_id)?.message_id
  }

  /** How an answer ended; `undefined` while it is being made. */
  async ended(actor: Actor, chatId: string, messageId: string): Promise<AnswerEnded | undefined> {
    const { chats, store } = this.#parts
    const { status, content, sources } = await chats.messages.get(actor, chatId, messageId)
    if (status === 'pending' || status === 'processing') return undefined
    return { status, content, sources, error: status === 'failed' ? await store.errorOf(messageId) : null }
  }

  async #answerTo(actor: Actor, question: Message, { again = false } = {}): Promise<string> {
    const messageId = await this.#parts.starts.answerTo(actor, question, { again })
    if (messageId === undefined) throw new Refusal('too_many_answers')
    return messageId
  }

  /** As it was first said. */
  async #find(actor: Actor, chatId: string, id: string): Promise<Message | undefined> {
    const { reader, messages } = this.#parts.chats
    const posted = await reader.posted(actor, chatId, clientIdOf(chatId, id))
    const own = Id.safeParse(id).data
    return posted ?? (own === undefined ? undefined : messages.get(actor, chatId, own))
  }
}

/** The `client_id` of a message by this name; `text`: of what was said in its place. */
function clientIdOf(chatId: string, id: string, text?: string): string {
  return Bun.randomUUIDv5(JSON.stringify(['client turn', id, text]), chatId)
}
