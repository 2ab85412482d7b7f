import type { Message } from '../../contract/chats.ts'
import type { Actor, Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import type { AnsweringService } from '../chats/answering.ts'
import type { BranchService } from '../chats/branches.ts'
import type { ChatService } from '../chats/chats.ts'
import { isAnswered } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { Change } from '../chats/log-store.ts'
import type { MessageStore } from '../chats/message-store.ts'
import { assertWritable } from '../chats/messages.ts'
import { messageTypeOf } from '../chats/rows.ts'
import type { AnswerBuffer } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { type AnswerRow, type AnswerStore, isRunning, refOf } from './answer-store.ts'
import { type AnswerDispatch, queuedEvent, startedEvent } from './dispatch.ts'
import type { AnswerLimits } from './limits.ts'
import { isAway } from './patience.ts'

type Parts = {
  store: AnswerStore
  messages: MessageStore
  branches: BranchService
  chats: ChatService
  log: ChatLog
  buffer: AnswerBuffer
  dispatch: AnswerDispatch
  limits: AnswerLimits
  answering: AnsweringService
  /** See `Answerer`. */
  apologyOf(provider: string): string | undefined
}

/** The `client_id` of the answer to a question: it has one, however often and wherever it is made. */
export function answerClientId(questionId: string): string {
  return Bun.randomUUIDv5('answer', questionId)
}

/** Puts answers on their way: the message that each writes, and its first run. */
export class AnswerStarts {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Answers a question, behind it. Resolves to the answer's message; to `undefined` where nobody answers, or too much waits
   * already. A question has one answer: asked for once more, it is the one that there is, and with `again` one that has
   * failed is tried again. Throws `Refusal('answered_by_people')` where no answer is to be made.
   */
  async answerTo(actor: Participant, question: Message, { again }: { again: boolean }): Promise<string | undefined> {
    const { answering, log, limits, messages, store } = this.#parts
    const { answerer: provider } = await answering.rulesOf(question.chat_id)
    if (provider === undefined) return undefined
    const clientId = answerClientId(question.id)
    const answer = this.#newRun(question, provider)
    const mayBegin = await this.#mayBegin(answer)
    const made = await log.change(actor, question.chat_id, async (transaction, chat, at): Promise<Change<Made>> => {
      assertWritable(actor, chat)
      const known = await messages.findByClientId(transaction, chat.id, clientId)
      if (known !== undefined) return { events: [], result: { outcome: 'known', messageId: known.id } }
      if (!isAnswered(chat)) throw new Refusal('answered_by_people')
      const waiting = await store.runningIn(transaction, answer.branch_id)
      if (waiting.length >= limits.waiting) return { events: [], result: { outcome: 'none' } }
      const head = await store.headOf(transaction, chat.id, answer.branch_id)
      if (head === undefined) throw new Refusal('branch_missing')
      const place = { position: head + 1, seq: chat.last_seq + 1, clientId, at }
      const events = await this.#insert(transaction, answer, place, mayBegin && waiting.length === 0)
      return { events, result: { outcome: 'made' } }
    })
    if (made.outcome === 'made') this.#started(answer)
    if (made.outcome !== 'known') return made.outcome === 'made' ? answer.message_id : undefined
    if (again) await this.#retry(actor, made.messageId)
    return made.messageId
  }

  /** Answers a question in a new branch that forks before another answer to it. Resolves to the new answer's message. */
  async beside(actor: Actor, chatId: string, messageId: string, question: Message): Promise<string> {
    const { answering, log, branches } = this.#parts
    const { answerer: provider } = await answering.rulesOf(chatId)
    if (provider === undefined) throw new Refusal('no_answerer')
    const fork = await branches.forkBefore(actor, chatId, messageId)
    const answer = this.#newRun(question, provider)
    const mayBegin = await this.#mayBegin(answer)
    const branch = await log.change(actor, chatId, async (transaction, chat, at) => {
      if (!isAnswered(chat)) throw new Refusal('answered_by_people')
      const branch = await branches.insertFork(transaction, actor, chat, fork, at)
      answer.branch_id = branch.id
      const place = { position: fork.position, seq: chat.last_seq + 2, clientId: null, at }
      const [created, ...started] = await this.#insert(transaction, answer, place, mayBegin)
      if (created === undefined) throw new Error('No message was made.')
      return {
        events: [
          { type: 'branch.created', data: branch },
          created,
          { type: 'branch.activated', data: { branch_id: branch.id } },
          ...started,
        ],
        result: branch,
      }
    })
    this.#started({ ...answer, branch_id: branch.id })
    return answer.message_id
  }

  /** Another run for the message of one that has ended: from the start, or after what it says. */
  async again(actor: Participant, last: AnswerRow, how: 'continue' | 'retry'): Promise<void> {
    const { answering, apologyOf, log, store, messages, limits } = this.#parts
    const { answerer: provider } = await answering.rulesOf(last.chat_id)
    if (provider === undefined) throw new Refusal('no_answerer')
    if (isRunning(last)) throw new Refusal('answer_running')
    if (last.status === 'completed') throw new Refusal('answer_over')
    const said = how === 'continue' ? await store.textOf(last.message_id) : ''
    // What it says in place of an answer is no beginning of one.
    const text = said === apologyOf(last.provider) ? '' : said
    const answer: AnswerRow = { ...last, id: Bun.randomUUIDv7(), provider, status: 'pending', begun: text.length }
    const mayBegin = await this.#mayBegin(answer, text)
    await log.change(actor, last.chat_id, async (transaction, chat) => {
      assertWritable(actor, chat)
      if (!isAnswered(chat)) throw new Refusal('answered_by_people')
      const message = await messages.find(transaction, chat.id, last.message_id)
      if (message === undefined) throw new Refusal('message_missing')
      if (message.deleted_at !== null) throw new Refusal('message_deleted')
      const running = await store.runningIn(transaction, last.branch_id)
      if (running.some((other) => other.message_id === last.message_id)) throw new Refusal('answer_running')
      if (how === 'continue' && message.content !== said) throw new Refusal('answer_over')
      if (running.length >= limits.waiting) throw new Refusal('too_many_answers')
      answer.status = mayBegin && running.length === 0 ? 'processing' : 'pending'
      await store.insert(transaction, answer, limits.leaseMs)
      await store.show(transaction, answer)
      const event = answer.status === 'processing' ? startedEvent(answer) : queuedEvent(answer)
      return { events: [event], result: undefined }
    })
    this.#started(answer)
  }

  /** Whether anybody answers in this chat, but for people. */
  async hasAnswerer(chatId: string): Promise<boolean> {
    return (await this.#parts.answering.rulesOf(chatId)).answerer !== undefined
  }

  async activeBranch(actor: Participant, chatId: string): Promise<string> {
    return (await this.#parts.chats.get(actor, chatId)).active_branch_id
  }

  async #retry(actor: Participant, messageId: string): Promise<void> {
    const last = await this.#parts.store.newestOf(messageId)
    if (last?.status !== 'failed') return
    try {
      await this.again(actor, last, 'retry')
    } catch (fault) {
      // Asked for at the same time: one of them does it.
      if (!(fault instanceof Refusal && fault.reason === 'answer_running')) throw fault
    }
  }

  #newRun(question: Message, provider: string): AnswerRow {
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

  /** Whether it may begin here and now: there is room for it, and its text has a place. Else it waits, as others do. */
  async #mayBegin(answer: AnswerRow, begun = ''): Promise<boolean> {
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

  /** The message and its run. */
  async #insert(
    transaction: Transaction,
    answer: AnswerRow,
    { position, seq, clientId, at }: { position: number; seq: number; clientId: string | null; at: string },
    begins: boolean,
  ): Promise<Change<unknown>['events']> {
    const { messages, store, limits } = this.#parts
    const created = {
      id: answer.message_id,
      chat_id: answer.chat_id,
      branch_id: answer.branch_id,
      position,
      sender_type: 'assistant' as const,
      sender_id: null,
      content: '',
      status: 'pending' as const,
      metadata: {},
      client_id: clientId,
    }
    answer.status = begins ? 'processing' : 'pending'
    const number = await messages.insert(transaction, { ...created, seq, status: answer.status, created_at: at })
    await store.insert(transaction, answer, limits.leaseMs)
    const event = {
      type: 'message.created' as const,
      data: { ...created, message_type: messageTypeOf('assistant'), number },
    }
    return answer.status === 'processing' ? [event, startedEvent(answer)] : [event]
  }

  #started(answer: AnswerRow): void {
    const { dispatch } = this.#parts
    if (answer.status === 'processing') dispatch.run(answer)
    else dispatch.look()
  }
}

type Made = { outcome: 'made' | 'none' } | { outcome: 'known'; messageId: string }
