import type { Message } from '../../contract/chats.ts'
import type { Actor } from '../accounts/actor.ts'
import type { MessageService } from '../chats/messages.ts'
import type { ChatReader } from '../chats/reader.ts'
import type { Answerer, AnswerRequest } from '../ports.ts'
import { Refusal } from '../refusal.ts'

/** How much of the history an answerer is given, how long it may take, and how much it may say (UTF-16 code units). */
export type AnswerLimits = { historyMessages: number; historyLength: number; deadlineMs: number; answerLength: number }

const LIMITS: AnswerLimits = {
  historyMessages: 50,
  historyLength: 32_768,
  deadlineMs: 60_000,
  answerLength: 131_072,
}

export type Ask = { branchId: string; question: string; clientId?: string | undefined }

/** The `client_id` of the answer to a question: it has one, however often and wherever it is made. */
export function answerClientId(questionId: string): string {
  return Bun.randomUUIDv5('answer', questionId)
}

/** Asks in a chat, and has it answered. */
export class AnswerService {
  readonly #messages: MessageService
  readonly #reader: ChatReader
  readonly #answerer: Answerer
  readonly #limits: AnswerLimits

  constructor(messages: MessageService, reader: ChatReader, answerer: Answerer, limits: Partial<AnswerLimits> = {}) {
    this.#messages = messages
    this.#reader = reader
    this.#answerer = answerer
    this.#limits = { ...LIMITS, ...limits }
  }

  /**
   * Stores the question, waits for the answer and stores it after it, whole or not at all. Throws `answer_failed` or
   * `answer_late`: the question is stored then, and the same `clientId` again asks for its answer alone. Asked and answered
   * already, it resolves to what there is.
   */
  async ask(actor: Actor, chatId: string, ask: Ask): Promise<{ question: Message; answer: Message }> {
    const { branchId, clientId, question: content } = ask
    const draft = { content, branch_id: branchId, ...(clientId === undefined ? {} : { client_id: clientId }) }
    const question = await this.#messages.post(actor, chatId, draft)
    if (question.deleted_at !== null) throw new Refusal('message_deleted')
    const client_id = answerClientId(question.id)
    const known = clientId === undefined ? undefined : await this.#reader.posted(actor, chatId, client_id)
    if (known !== undefined) return { question, answer: known }
    const history = await this.#historyBefore(actor, question)
    const text = await this.#answer({ history, message: question.content })
    const answer = await this.#store(actor, question, { content: text, client_id })
    return { question, answer }
  }

  async #store(actor: Actor, question: Message, said: { content: string; client_id: string }): Promise<Message> {
    const { chat_id, branch_id } = question
    try {
      return await this.#messages.append(actor, chat_id, {
        ...said,
        branch_id,
        senderType: 'assistant',
        senderId: null,
      })
    } catch (fault) {
      // Asked twice at the same time: the first of the two answers stands.
      const isAnswered = fault instanceof Refusal && fault.reason === 'client_id_reused'
      const first = isAnswered ? await this.#reader.posted(actor, chat_id, said.client_id) : undefined
      if (first === undefined) throw fault
      return first
    }
  }

  /** The newest of what was said before, within the limits; nothing that is empty. */
  async #historyBefore(actor: Actor, question: Message): Promise<AnswerRequest['history']> {
    const { chat_id, branch_id, position } = question
    const { historyMessages: limit, historyLength } = this.#limits
    const page = { from: 'before', position, limit } as const
    const history: { role: 'user' | 'assistant' | 'system'; content: string }[] = []
    let length = 0
    for (const { sender_type, content } of (await this.#messages.page(actor, chat_id, branch_id, page)).reverse()) {
      length += content.length
      if (length > historyLength) break
      if (content !== '') history.push({ role: sender_type === 'agent' ? 'assistant' : sender_type, content })
    }
    return history.reverse()
  }

  async #answer(request: Omit<AnswerRequest, 'signal'>): Promise<string> {
    const stop = new AbortController()
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Refusal('answer_late')), this.#limits.deadlineMs)
    const parts = this.#answerer.answer({ ...request, signal: stop.signal })[Symbol.asyncIterator]()
    try {
      let text = ''
      while (text.length < this.#limits.answerLength) {
        const step = await Promise.race([parts.next(), late.promise])
        if (step.done) break
        text += step.value.text
      }
      const answer = storable(text.slice(0, this.#limits.answerLength))
      if (answer === '') throw new Error('The answer is empty.')
      return answer
    } catch (fault) {
      throw fault instanceof Refusal ? fault : new Refusal('answer_failed', { cause: fault })
    } finally {
      clearTimeout(timer)
      stop.abort()
      // Not waited for: one that hangs would keep us. Its own end is no news to anyone.
      parts.return?.().catch(() => {})
    }
  }
}

/** What the database takes as text. */
function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed().trim()
}
