import { type Message, SOURCES_MAX } from '../../contract/chats.ts'
import type { AnsweringRules } from '../chats/answering.ts'
import type { History } from '../chats/history.ts'
import type { FileTexts } from '../files/file-texts.ts'
import { pause } from '../pause.ts'
import type {
  AnswerBuffer,
  Answerer,
  AnswerPart,
  AnswerRef,
  AnswerRequest,
  AnswerSource,
  AnswerUsage,
} from '../ports.ts'
import { AnswerFault } from './answer-fault.ts'
import { type AnswerRow, refOf } from './answer-store.ts'
import type { AnswerLimits } from './limits.ts'
import { patiently } from './patience.ts'
import type { Ending, Settlement } from './settlement.ts'
import { AnswerWriter } from './writer.ts'

export type RunnerParts = {
  buffer: AnswerBuffer
  settlement: Pick<Settlement, 'end'>
  history: Pick<History, 'page'>
  files: Pick<FileTexts, 'behind'>
  message(messageId: string): Promise<Message | undefined>
  answerer(provider: string): Answerer | undefined
  /** How the chat is answered. */
  rulesOf(chatId: string): Promise<AnsweringRules>
  /** Whether people handle the chat where the AI cannot. */
  hasPeople(chatId: string): Promise<boolean>
  limits: AnswerLimits
  /** Somebody else makes it from here on, and has so long for the next piece. */
  handedOver(ref: AnswerRef): Promise<void>
  /** Hears of the faults that are ours: nobody else is told more than that there was one. */
  report(fault: unknown, ref: AnswerRef): void
}

/** Why a run is given up from outside. */
export type Abandoned = 'ended' | 'restarting'

type Said = { sources: AnswerSource[]; usage: AnswerUsage | null; handedOver: boolean; person: boolean }

/** Runs answers in this process: from the answerer to the buffer, and to their end. */
export class AnswerRunner {
  readonly #parts: RunnerParts

  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  /**
   * Resolves when the answer has ended, or another service makes it from here on. Never rejects. Aborting the signal, with
   * an `Abandoned`, gives it up.
   */
  async run(answer: AnswerRow, signal: AbortSignal): Promise<void> {
    const ref = refOf(answer)
    const { settlement, answerer, report } = this.#parts
    try {
      await this.#run(answer, ref, signal)
    } catch (fault) {
      report(fault, ref)
      const ending = { error: 'The answer could not be made.', apology: answerer(answer.provider)?.apology }
      // Where that cannot be stored either, whoever finds it abandoned ends it.
      await settlement.end(ref, { status: 'failed', ...ending }).catch((again: unknown) => report(again, ref))
    }
  }

  async #run(answer: AnswerRow, ref: AnswerRef, signal: AbortSignal): Promise<void> {
    const { limits, buffer, report } = this.#parts
    const request = await patiently(() => this.#request(answer, ref, signal))
    const writer = new AnswerWriter(buffer, ref, request.begun, limits.answerLength, signal)
    const { said, fault } = await this.#tried(answer, request, writer, signal)
    await writer.end()
    if (signal.reason === 'ended') return
    if (said.handedOver) {
      // Else it has until its lease ends, and every piece renews that.
      return patiently(() => this.#parts.handedOver(ref)).catch((late: unknown) => report(late, ref))
    }
    const { sources, usage, person } = said
    const ending = { ...this.#endOf(answer, writer, said, fault), sources, usage, person }
    await patiently(() => this.#parts.settlement.end(ref, ending, writer.text))
  }

  #endOf({ provider }: AnswerRow, { text }: AnswerWriter, { person }: Said, fault: AnswerFault | undefined): Ending {
    if (fault !== undefined) {
      return { status: 'failed', error: fault.message, apology: this.#parts.answerer(provider)?.apology }
    }
    return text === '' && !person ? { status: 'failed', error: 'The answer is empty.' } : { status: 'completed' }
  }

  /** `fault`: why there is no more of it; not given where it is whole. */
  async #tried(
    answer: AnswerRow,
    request: Omit<AnswerRequest, 'signal'>,
    writer: AnswerWriter,
    signal: AbortSignal,
  ): Promise<{ said: Said; fault?: AnswerFault }> {
    const { limits, report } = this.#parts
    for (let attempt = 1; ; attempt += 1) {
      // Each attempt has its own: what one that failed was based on is not what the next one is.
      const said: Said = { sources: [], usage: null, handedOver: false, person: false }
      try {
        await this.#listen(answer.provider, request, writer, said, signal)
        return { said }
      } catch (cause) {
        if (signal.aborted) return { said, fault: new AnswerFault('The server was restarted.') }
        const fault = cause instanceof AnswerFault ? cause : new AnswerFault('The answer could not be made.', { cause })
        if (fault.cause !== undefined) report(fault, refOf(answer))
        const pauseMs = Math.max(limits.retryMs * 2 ** (attempt - 1), fault.retryAfterMs)
        const mayPass = fault.passing && attempt < limits.attempts && pauseMs <= limits.firstMs
        if (!mayPass || (await this.#shows(answer, request, writer))) return { said, fault }
        await pause(pauseMs, signal)
      }
    }
  }

  /** Whether anybody may have seen some of it, also of what its service has called back with. */
  async #shows(answer: AnswerRow, { begun }: Pick<AnswerRequest, 'begun'>, { text }: AnswerWriter): Promise<boolean> {
    if (text.length > begun.length) return true
    const known = await patiently(() => this.#parts.buffer.read(refOf(answer)))
    return known !== undefined && known.text.length > begun.length
  }

  async #listen(
    provider: string,
    request: Omit<AnswerRequest, 'signal'>,
    writer: AnswerWriter,
    said: Said,
    signal: AbortSignal,
  ): Promise<void> {
    const { answerer, limits } = this.#parts
    const stop = new AbortController()
    const chosen = answerer(provider)
    if (chosen === undefined) throw new AnswerFault('This server has no such answerer any more.')
    if (signal.aborted) throw new AnswerFault('The answer was given up.')
    let parts: AsyncIterator<AnswerPart> | undefined
    const clock = new Clock(request.limits.endsAt, signal)
    try {
      parts = chosen.answer({ ...request, signal: stop.signal })[Symbol.asyncIterator]()
      for (let first = true; !(writer.full || writer.fenced); ) {
        const step = await clock.race(parts.next(), first ? limits.firstMs : limits.betweenMs)
        if (step.done === true) break
        const part = step.value
        if (part.type === 'text') {
          await writer.add(part.text)
          first = false
        } else if (part.type === 'source') {
          if (said.sources.length < SOURCES_MAX) said.sources.push(part.source)
        } else if (part.type === 'usage') said.usage = part.usage
        else {
          if (part.type === 'person') said.person = true
          else said.handedOver = true
          break
        }
      }
    } finally {
      clock.end()
      stop.abort()
      // Not waited for: one that hangs would keep us. Its own end is no news to anyone.
      parts?.return?.().catch(() => {})
    }
  }

  async #request(answer: AnswerRow, ref: AnswerRef, signal: AbortSignal): Promise<Omit<AnswerRequest, 'signal'>> {
    const { message, files, limits, rulesOf, hasPeople } = this.#parts
    const [question, own, rules, mayAskForPerson] = await Promise.all([
      message(answer.question_id),
      message(ref.messageId),
      rulesOf(ref.chatId),
      hasPeople(ref.chatId),
    ])
    if (question === undefined || own === undefined) throw new Error('The question of an answer is gone.')
    const before = await this.#historyBefore(question, rules)
    const behind = await files.behind(question, before, signal)
    return {
      ...ref,
      systemPrompt: rules.systemPrompt,
      history: before.map(({ id, sender_type, content }) => ({
        role: sender_type === 'agent' ? 'assistant' : sender_type,
        content: `${content}${behind.get(id) ?? ''}`,
      })),
      message: question.content,
      attached: behind.get(question.id) ?? '',
      begun: own.content.slice(0, answer.begun),
      mayAskForPerson,
      limits: { endsAt: Date.now() + limits.wholeMs, length: limits.answerLength },
    }
  }

  /** The newest of what was said before, within the limits; nothing that is empty, or is not whole. */
  async #historyBefore(
    { branch_id, position }: Message,
    { historyMessages: limit, historyLength }: AnsweringRules,
  ): Promise<Message[]> {
    if (limit === 0) return []
    const before = await this.#parts.history.page(branch_id, { from: 'before', position, limit })
    const history: Message[] = []
    let length = 0
    for (const message of before.reverse()) {
      if (message.content === '' || message.status === 'failed') continue
      length += message.content.length
      if (length > historyLength) break
      history.push(message)
    }
    return history.reverse()
  }
}

/** Waits no longer than it says, nor past the whole answer's end, nor after the signal. */
class Clock {
  readonly #endsAt: number
  readonly #over = Promise.withResolvers<never>()
  readonly #end: () => void
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(endsAt: number, signal: AbortSignal) {
    this.#endsAt = endsAt
    this.#over.promise.catch(() => {})
    const abort = () => this.#over.reject(new AnswerFault('The answer was given up.'))
    signal.addEventListener('abort', abort, { once: true })
    this.#end = () => signal.removeEventListener('abort', abort)
  }

  /** Throws an `AnswerFault` in place of what is waited for. */
  async race<T>(next: Promise<T>, ms: number): Promise<T> {
    const late = () => this.#over.reject(new AnswerFault('The answer took too long.'))
    this.#timer = setTimeout(late, Math.min(ms, Math.max(0, this.#endsAt - Date.now())))
    try {
      return await Promise.race([next, this.#over.promise])
    } finally {
      clearTimeout(this.#timer)
    }
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#end()
  }
}
