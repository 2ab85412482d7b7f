import type { Message } from '../../contract/chats.ts'
import type { Actor, Participant } from '../accounts/actor.ts'
import type { AnsweringService } from '../chats/answering.ts'
import type { BranchService } from '../chats/branches.ts'
import type { ChatService } from '../chats/chats.ts'
import { isAnswered } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { Change } from '../chats/log-store.ts'
import type { MessageStore } from '../chats/message-store.ts'
import { assertWritable } from '../chats/messages.ts'
import { Refusal } from '../refusal.ts'
import { type AnswerRow, type AnswerStore, isRunning } from './answer-store.ts'
import { queuedEvent, startedEvent } from './dispatch.ts'
import type { AnswerLimits } from './limits.ts'
import { answerClientId, type NewAnswers } from './new-answers.ts'

type Parts = {
  store: AnswerStore
  messages: MessageStore
  branches: BranchService
  chats: ChatService
  log: ChatLog
  fresh: NewAnswers
  limits: AnswerLimits
  answering: AnsweringService
  /** See `Answerer`. */
  apologyOf(provider: string): string | undefined
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
    const { answering, fresh, log, limits, messages, store } = this.#parts
    const { answerer: provider } = await answering.rulesOf(question.chat_id)
    if (provider === undefined) return undefined
    const clientId = answerClientId(question.id)
    const answer = fresh.to(question, provider)
    const change = (mayBegin: boolean) =>
      log.change(actor, question.chat_id, async (transaction, chat, at): Promise<Change<Made>> => {
        assertWritable(actor, chat)
        const known = await messages.findByClientId(transaction, chat.id, clientId)
        if (known !== undefined) return { events: [], result: { outcome: 'known', messageId: known.id } }
        if (!isAnswered(chat)) throw new Refusal('answered_by_people')
        const waiting = await store.runningIn(transaction, answer.branch_id)
        if (waiting.length >= limits.waiting) return { events: [], result: { outcome: 'none' } }
        const head = await store.headOf(transaction, chat.id, answer.branch_id)
        if (head === undefined) throw new Refusal('branch_missing')
        const place = { position: head + 1, seq: chat.last_seq + 1, clientId, at }
        const events = await fresh.insert(transaction, answer, place, mayBegin && waiting.length === 0)
        return { events, result: { outcome: 'made' } }
      })
    const made = await fresh.make(answer, '', change, ({ outcome }) => outcome === 'made')
    if (made.outcome !== 'known') return made.outcome === 'made' ? answer.message_id : undefined
    if (again) await this.#retry(actor, made.messageId)
    return made.messageId
  }

  /** Answers a question in a new branch that forks before another answer to it. Resolves to the new answer's message. */
  async beside(actor: Actor, chatId: string, messageId: string, question: Message): Promise<string> {
    const { answering, fresh, log, branches } = this.#parts
    const { answerer: provider } = await answering.rulesOf(chatId)
    if (provider === undefined) throw new Refusal('no_answerer')
    const fork = await branches.forkBefore(actor, chatId, messageId)
    const answer = fresh.to(question, provider)
    const change = (mayBegin: boolean) =>
      log.change(actor, chatId, async (transaction, chat, at): Promise<Change<void>> => {
        if (!isAnswered(chat)) throw new Refusal('answered_by_people')
        const branch = await branches.insertFork(transaction, actor, chat, fork, at)
        answer.branch_id = branch.id
        const place = { position: fork.position, seq: chat.last_seq + 2, clientId: null, at }
        const [created, ...started] = await fresh.insert(transaction, answer, place, mayBegin)
        if (created === undefined) throw new Error('No message was made.')
        return {
          events: [
            { type: 'branch.created', data: branch },
            created,
            { type: 'branch.activated', data: { branch_id: branch.id } },
            ...started,
          ],
          result: undefined,
        }
      })
    await fresh.make(answer, '', change)
    return answer.message_id
  }

  /** Another run for the message of one that has ended: from the start, or after what it says. */
  async again(actor: Participant, last: AnswerRow, how: 'continue' | 'retry'): Promise<void> {
    const { answering, apologyOf, fresh, log, store, messages, limits } = this.#parts
    const { answerer: provider } = await answering.rulesOf(last.chat_id)
    if (provider === undefined) throw new Refusal('no_answerer')
    if (isRunning(last)) throw new Refusal('answer_running')
    if (last.status === 'completed') throw new Refusal('answer_over')
    const said = how === 'continue' ? await store.textOf(last.message_id) : ''
    // What it says in place of an answer is no beginning of one.
    const text = said === apologyOf(last.provider) ? '' : said
    const answer: AnswerRow = { ...last, id: Bun.randomUUIDv7(), provider, status: 'pending', begun: text.length }
    const change = (mayBegin: boolean) =>
      log.change(actor, last.chat_id, async (transaction, chat): Promise<Change<void>> => {
        assertWritable(actor, chat)
        if (!isAnswered(chat)) throw new Refusal('answered_by_people')
        const message = await messages.find(transaction, chat.id, last.message_id)
        if (message === undefined) throw new Refusal('message_missing')
        if (message.deleted_at !== null || !(await store.isAsked(transaction, last)))
          throw new Refusal('message_deleted')
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
    await fresh.make(answer, text, change)
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
}

type Made = { outcome: 'made' | 'none' } | { outcome: 'known'; messageId: string }
