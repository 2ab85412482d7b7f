import type { Transaction } from '../accounts/transaction-store.ts'
import type { NewEvent } from '../chats/log-store.ts'
import type { MessageStore } from '../chats/message-store.ts'
import type { AnswerBuffer } from '../ports.ts'
import { type AnswerRow, type AnswerStore, refOf } from './answer-store.ts'
import { type AnswerDispatch, startedEvent } from './dispatch.ts'
import type { AnswerLimits } from './limits.ts'
import { isAway } from './patience.ts'

type Parts = {
  store: AnswerStore
  messages: MessageStore
  buffer: AnswerBuffer
  dispatch: AnswerDispatch
  limits: AnswerLimits
}

/** Where a question is. */
export type Asked = { id: string; chat_id: string; branch_id: string }

/** Where its answer goes, in a change of the chat: `seq` is that of the first event. */
export type Place = { position: number; seq: number; clientId: string | null; at: string }

/** Answers before their first run: they begin at once where they may, and else wait for their turn. */
export class NewAnswers {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  to(question: Asked, provider: string): AnswerRow {
    return {
      id: Bun.randomUUIDv7(),
      chat_id: question.chat_id,
      message_id: Bun.randomUUIDv7(),
      branch_id: question.branch_id,
      question_id: question.id,
      provider,
      status: 'pending',
      attempt: 0,
      begun: 0,
    }
  }

  /**
   * Has `change`, a change of the chat, make the answer, which then is on its way. It is told whether the answer may begin
   * with it, after `begun`: there is room for it here, and its text has a place. Else it waits, as others do. `isMade`: by
   * what the change resolves to; where it makes none, or throws, nothing is left of the answer.
   */
  async make<T>(
    answer: AnswerRow,
    begun: string,
    change: (mayBegin: boolean) => Promise<T>,
    isMade: (result: T) => boolean = () => true,
  ): Promise<T> {
    const mayBegin = await this.#mayBegin(answer, begun)
    let isThere = false
    try {
      const result = await change(mayBegin)
      isThere = isMade(result)
      return result
    } finally {
      if (isThere) this.#started(answer)
      else if (mayBegin) await this.#drop(answer)
    }
  }

  async #mayBegin(answer: AnswerRow, begun: string): Promise<boolean> {
    const { dispatch, buffer } = this.#parts
    if (!dispatch.hasRoom) return false
    try {
      await buffer.open(refOf(answer), begun)
      return true
    } catch (fault) {
      if (isAway(fault)) return false
      throw fault
    }
  }

  /** Its message and its run. Resolves to the events that tell of them: one, and another where it begins. */
  async insert(transaction: Transaction, answer: AnswerRow, place: Place, begins: boolean): Promise<NewEvent[]> {
    const { messages, store, limits } = this.#parts
    const created = {
      id: answer.message_id,
      chat_id: answer.chat_id,
      branch_id: answer.branch_id,
      position: place.position,
      sender_type: 'assistant' as const,
      sender_id: null,
      content: '',
      status: 'pending' as const,
      metadata: {},
      client_id: place.clientId,
    }
    answer.status = begins ? 'processing' : 'pending'
    const { seq, at } = place
    const event = await messages.insert(transaction, created, { seq, at, status: answer.status })
    await store.insert(transaction, answer, limits.leaseMs)
    return begins ? [event, startedEvent(answer)] : [event]
  }

  #started(answer: AnswerRow): void {
    const { dispatch } = this.#parts
    if (answer.status === 'processing') dispatch.run(answer)
    else dispatch.look()
  }

  async #drop(answer: AnswerRow): Promise<void> {
    // Where the store is away it expires by itself.
    await this.#parts.buffer.drop(refOf(answer)).catch(() => {})
  }
}

/** The `client_id` of the answer to a question: it has one, however often and wherever it is made. */
export function answerClientId(questionId: string): string {
  return Bun.randomUUIDv5('answer', questionId)
}
