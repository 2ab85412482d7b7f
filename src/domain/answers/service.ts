import type { AskedMessage } from '../../contract/answers.ts'
import type { Message } from '../../contract/chats.ts'
import type { Actor, Participant } from '../accounts/actor.ts'
import type { ChatAccess } from '../chats/access.ts'
import type { BranchService } from '../chats/branches.ts'
import { assertMaySpeak } from '../chats/doors.ts'
import type { Draft, MessageService, Posted } from '../chats/messages.ts'
import { Refusal } from '../refusal.ts'
import { type AnswerRow, type AnswerStore, isRunning, refOf } from './answer-store.ts'
import type { AnswerDispatch } from './dispatch.ts'
import type { IdlePosts } from './idle-posts.ts'
import type { AnswerLimits } from './limits.ts'
import { isAway } from './patience.ts'
import type { AnswerFollower, DecideEnd, Settlement } from './settlement.ts'
import type { AnswerStarts } from './starts.ts'
import type { AnswerWaits } from './waits.ts'

export type Ask = { branchId: string; question: string; clientId?: string | undefined }

/** A message as its sender posts it, and how it is to be answered. */
type Asked = Posted & Pick<AskedMessage, 'answer' | 'on_busy'>

type Parts = {
  messages: MessageService
  branches: BranchService
  access: ChatAccess
  store: AnswerStore
  settlement: Settlement
  starts: AnswerStarts
  idle: IdlePosts
  dispatch: AnswerDispatch
  waits: AnswerWaits
  limits: AnswerLimits
  /** The message that was posted with this `client_id`. */
  posted(chatId: string, clientId: string): Promise<string | undefined>
}

const SYSTEM = { kind: 'service' } as const

/** Answers that begin while others are ended are ended as well, so often. */
const SILENCE_TRIES = 5

/** Asks for answers, and ends them. An answer belongs to its chat: whoever asked for it may leave. */
export class AnswerService {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Posts as the actor itself, and has it answered: resolves as soon as the answer is on its way. */
  async post(actor: Participant, chatId: string, { answer = true, on_busy: onBusy = 'queue', ...message }: Asked) {
    if (!answer) return this.#parts.messages.post(actor, chatId, message)
    await this.#parts.access.open(actor, chatId)
    const taken = await this.#postIdle(actor, chatId, message, onBusy)
    if (taken !== undefined) return this.#parts.messages.get(actor, chatId, taken)
    const question = await this.#parts.messages.post(actor, chatId, message)
    await this.#answer(actor, question)
    return question
  }

  /** The same for who writes on behalf of others, and knows messages by their numbers. */
  async postNumbered(actor: Participant, chatId: string, draft: Draft): Promise<{ message: Message; number: number }> {
    const posted = await this.#parts.messages.appendNumbered(actor, chatId, draft)
    await this.#answer(actor, posted.message)
    return posted
  }

  /**
   * Posts, and waits for the answer. Throws `answer_failed` or `answer_late`: the question is stored then, and the same
   * `clientId` again asks for its answer alone. Asked and answered already, it resolves to what there is.
   */
  async ask(actor: Actor, chatId: string, ask: Ask): Promise<{ question: Message; answer: Message }> {
    const { branchId, clientId, question: content } = ask
    const { messages, starts, waits } = this.#parts
    const draft = { content, branch_id: branchId, ...(clientId === undefined ? {} : { client_id: clientId }) }
    const question = await messages.post(actor, chatId, draft)
    if (question.deleted_at !== null) throw new Refusal('message_deleted')
    const started = await starts.answerTo(actor, question, { again: true })
    if (started === undefined) throw new Refusal('answer_failed')
    const answer = await waits.end(actor, chatId, started)
    if (answer.status === 'failed') throw new Refusal('answer_failed')
    return { question, answer }
  }

  /** Ends an answer, and keeps what it said. One that has ended stays as it is. */
  async stop(actor: Participant, chatId: string, messageId: string): Promise<Message> {
    await this.#stop(await this.#newestRun(actor, chatId, messageId))
    return this.#parts.messages.get(actor, chatId, messageId)
  }

  /** Answers the same question once more, in a branch beside it, which is active from then on. Resolves to the new answer. */
  async regenerate(actor: Actor, chatId: string, messageId: string): Promise<Message> {
    const { messages, starts } = this.#parts
    const answer = await this.#newestRun(actor, chatId, messageId)
    if (isRunning(answer)) throw new Refusal('answer_running')
    const question = await messages.get(actor, chatId, answer.question_id)
    if (question.deleted_at !== null) throw new Refusal('message_deleted')
    return messages.get(actor, chatId, await starts.beside(actor, chatId, messageId, question))
  }

  /** Says something else in the place of a message, in a branch of its own, and has it answered. */
  async resend(actor: Actor, chatId: string, messageId: string, said: Parameters<BranchService['diverge']>[3]) {
    const made = await this.#parts.branches.diverge(actor, chatId, messageId, said)
    await this.#answer(actor, made.message)
    return made
  }

  /** Goes on with an answer that was stopped or has failed, in the same message. */
  async continue(actor: Actor, chatId: string, messageId: string): Promise<Message> {
    const { messages, starts } = this.#parts
    const answer = await this.#newestRun(actor, chatId, messageId)
    await starts.again(actor, answer, 'continue')
    return messages.get(actor, chatId, messageId)
  }

  /**
   * Answers what was said last in the active branch, where somebody asks there and nobody has answered: also where an answer
   * has failed, or was stopped before it said anything. What is not to be answered any more stays as it is.
   */
  async answerLast(chatId: string): Promise<void> {
    const { messages, starts, store } = this.#parts
    try {
      const branch = await starts.activeBranch(SYSTEM, chatId)
      const [last] = await messages.page(SYSTEM, chatId, branch, { from: 'end', limit: 1 })
      if (last === undefined) return
      const run = saysNothing(last) ? await store.newestOf(last.id) : undefined
      await (run === undefined ? this.#answer(SYSTEM, last) : starts.again(SYSTEM, run, 'retry'))
    } catch (fault) {
      if (isAway(fault) || !(fault instanceof Refusal)) throw fault
    }
  }

  /** What is stored is stored: where nothing can answer it, nothing does. */
  async #answer(actor: Participant, question: Message): Promise<void> {
    if (question.sender_type !== 'user' || question.deleted_at !== null) return
    try {
      await this.#parts.starts.answerTo(actor, question, { again: false })
    } catch (fault) {
      if (!(fault instanceof Refusal && fault.reason === 'answered_by_people')) throw fault
    }
  }

  /**
   * Resolves to the id of a message that waits for no answer, and is posted; to `undefined` where it is to be posted as any
   * other. Throws `Refusal('answer_running' | 'too_many_answers')`.
   */
  async #postIdle(
    actor: Participant,
    chatId: string,
    message: Posted,
    onBusy: 'reject' | 'interrupt' | 'queue',
  ): Promise<string | undefined> {
    const { idle, limits, dispatch } = this.#parts
    switch (onBusy) {
      case 'reject':
        await this.#assertFewer(1, 'answer_running', actor, chatId, message)
        return idle.post(actor, chatId, message)
      case 'interrupt':
        return idle.post(actor, chatId, message, (branchId) => this.stopIn(chatId, branchId))
      case 'queue':
        // One that nobody will ever answer would look as if it waited. Nothing is read where nobody answers anyway.
        if (dispatch.hasAnswerers) await this.#assertFewer(limits.waiting, 'too_many_answers', actor, chatId, message)
        return undefined
    }
  }

  /** Before anything is prepared for a message: throws where so many answers of its branch are being made, or wait. */
  async #assertFewer(
    most: number,
    reason: 'answer_running' | 'too_many_answers',
    actor: Participant,
    chatId: string,
    { branch_id: branchId, client_id: clientId }: Posted,
  ): Promise<void> {
    const running = await this.#parts.store.runningOf(chatId)
    if (running.length < most) return
    // Posted already, it has its place: what runs may be its own answer.
    if (clientId !== undefined && (await this.#parts.posted(chatId, clientId)) !== undefined) return
    const branch = branchId ?? (await this.#parts.starts.activeBranch(actor, chatId))
    if (running.filter((answer) => answer.branch_id === branch).length >= most) throw new Refusal(reason)
  }

  /** Whether anybody answers in this chat, but for people. */
  hasAnswerer(chatId: string): Promise<boolean> {
    return this.#parts.starts.hasAnswerer(chatId)
  }

  /** Follows from now on what answers end in. */
  follow(follower: AnswerFollower): void {
    this.#parts.settlement.follow(follower)
  }

  /**
   * Ends all answers of the chat, keeps what they said, and makes this change after that, all in one transaction: whoever
   * calls sees to it that none is made any more. Throws what `decide` throws, and `Refusal('answer_running')` where others
   * begin again and again meanwhile.
   */
  async silence<T>(actor: Participant, chatId: string, decide: DecideEnd<T>): Promise<T> {
    const { access, store, settlement, dispatch } = this.#parts
    // Who may not speak there silences nobody either.
    assertMaySpeak(actor, await access.open(actor, chatId))
    for (let tries = 0; tries < SILENCE_TRIES; tries += 1) {
      const stopping = await store.runningOf(chatId)
      const ends = await Promise.all(stopping.map((answer) => settlement.decide(refOf(answer), { status: 'stopped' })))
      const done = await settlement.settleAll(actor, chatId, ends, decide)
      if (done === undefined) continue
      for (const { id } of stopping) dispatch.ended(id)
      return done.result
    }
    throw new Refusal('answer_running')
  }

  /** Ends the answers of a chat that is gone, and keeps what they said: it may come back. */
  async forsake(chatId: string): Promise<void> {
    await this.#stopAll(await this.#parts.store.runningOf(chatId))
  }

  /** Ends the answers of a branch: for whoever was seen to have the right to. */
  async stopIn(chatId: string, branchId: string): Promise<void> {
    const running = await this.#parts.store.runningOf(chatId)
    await this.#stopAll(running.filter(({ branch_id }) => branch_id === branchId))
  }

  /** The newest first: else each one's end would begin the next. */
  async #stopAll(running: readonly AnswerRow[]): Promise<void> {
    for (const answer of running.toReversed()) await this.#stop(answer)
  }

  async #stop(answer: AnswerRow): Promise<void> {
    if (!isRunning(answer)) return
    const { settlement, dispatch } = this.#parts
    await settlement.end(refOf(answer), { status: 'stopped' })
    dispatch.ended(answer.id)
  }

  async #newestRun(actor: Participant, chatId: string, messageId: string): Promise<AnswerRow> {
    await this.#parts.messages.get(actor, chatId, messageId)
    const answer = await this.#parts.store.newestOf(messageId)
    if (answer === undefined) throw new Refusal('not_answered')
    return answer
  }
}

/** Whether it is an answer that does not count as one. */
function saysNothing({ status, content }: Message): boolean {
  return status === 'failed' || (status === 'stopped' && content === '')
}
