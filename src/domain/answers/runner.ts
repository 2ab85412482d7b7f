import type { Message } from '../../contract/chats.ts'
import type { History } from '../chats/history.ts'
import type {
  AnswerBuffer,
  Answerer,
  AnswerPart,
  AnswerRef,
  AnswerRequest,
  AnswerSource,
  AnswerUsage,
} from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { AnswerFault } from './answer-fault.ts'
import { type AnswerRow, refOf } from './answer-store.ts'
import type { AnswerLimits } from './limits.ts'
import type { Settlement } from './settlement.ts'
import { AnswerWriter } from './writer.ts'

const SETTLE_TRIES = 20
const SETTLE_PAUSE_MS = 500

export type RunnerParts = {
  buffer: AnswerBuffer
  settlement: Settlement
  history: History
  message(messageId: string): Promise<Message | undefined>
  answerer(provider: string): Answerer | undefined
  limits: AnswerLimits
  /** Somebody else makes it from here on, and has so long for the next piece. */
  handedOver(ref: AnswerRef): Promise<void>
  /** Hears of the faults that are ours: nobody else is told more than that there was one. */
  report(fault: unknown, ref: AnswerRef): void
}

/** Why a run is given up from outside. */
export type Abandoned = 'ended' | 'restarting'

type Said = { sources: AnswerSource[]; usage: AnswerUsage | null; handedOver: boolean }

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
    try {
      await this.#run(answer, ref, signal)
    } catch (fault) {
      // Neither written nor ended: whoever finds it abandoned ends it.
      this.#parts.report(fault, ref)
    }
  }

  async #run(answer: AnswerRow, ref: AnswerRef, signal: AbortSignal): Promise<void> {
    const { limits, buffer } = this.#parts
    const request = await this.#request(answer, ref)
    const writer = new AnswerWriter(buffer, ref, request.begun, limits.answerLength, signal)
    const said: Said = { sources: [], usage: null, handedOver: false }
    const fault = await this.#tried(answer, request, writer, said, signal)
    await writer.end()
    if (signal.reason === 'ended') return
    if (said.handedOver) return this.#parts.handedOver(ref)
    await patiently(async () => {
      const text = (await buffer.finish(ref)) ?? writer.text
      const end = endOf(fault, text, writer)
      await this.#parts.settlement.settle(ref, { ...end, sources: said.sources, usage: said.usage })
    })
  }

  /** Resolves to why there is no more of it; to `undefined` where it is whole. */
  async #tried(
    answer: AnswerRow,
    request: Omit<AnswerRequest, 'signal'>,
    writer: AnswerWriter,
    said: Said,
    signal: AbortSignal,
  ): Promise<AnswerFault | undefined> {
    const { limits, report } = this.#parts
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#listen(answer.provider, request, writer, said, signal)
        return undefined
      } catch (fault) {
        if (signal.aborted) return new AnswerFault('The server was restarted.')
        if (!(fault instanceof AnswerFault)) report(fault, refOf(answer))
        const told =
          fault instanceof AnswerFault ? fault : new AnswerFault('The answer could not be made.', { cause: fault })
        const shown = writer.text.length > request.begun.length
        if (shown || !told.passing || attempt >= limits.attempts) return told
        const pauseMs = Math.max(limits.retryMs * 2 ** (attempt - 1), told.retryAfterMs)
        if (pauseMs > limits.firstMs) return told
        await until(signal, pauseMs)
      }
    }
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
        } else if (part.type === 'source') said.sources.push(part.source)
        else if (part.type === 'usage') said.usage = part.usage
        else {
          said.handedOver = true
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

  async #request(answer: AnswerRow, ref: AnswerRef): Promise<Omit<AnswerRequest, 'signal'>> {
    const { message, limits } = this.#parts
    const [question, own] = await Promise.all([message(answer.question_id), message(ref.messageId)])
    if (question === undefined || own === undefined) throw new Error('The question of an answer is gone.')
    return {
      ...ref,
      systemPrompt: null,
      history: await this.#historyBefore(question),
      message: question.content,
      begun: own.content.slice(0, answer.begun),
      limits: { endsAt: Date.now() + limits.wholeMs, length: limits.answerLength },
    }
  }

  /** The newest of what was said before, within the limits; nothing that is empty, or is not whole. */
  async #historyBefore({ branch_id, position }: Message): Promise<AnswerRequest['history']> {
    const { historyMessages: limit, historyLength } = this.#parts.limits
    const before = await this.#parts.history.page(branch_id, { from: 'before', position, limit })
    const history: { role: 'user' | 'assistant' | 'system'; content: string }[] = []
    let length = 0
    for (const { sender_type, content, status } of before.reverse()) {
      if (content === '' || status === 'failed') continue
      length += content.length
      if (length > historyLength) break
      history.push({ role: sender_type === 'agent' ? 'assistant' : sender_type, content })
    }
    return history.reverse()
  }
}

function endOf(fault: AnswerFault | undefined, text: string, writer: AnswerWriter) {
  if (fault !== undefined) {
    const content = text === '' ? (fault.says ?? '') : text
    return { status: 'failed' as const, content, error: fault.message }
  }
  if (text === '') return { status: 'failed' as const, content: '', error: 'The answer is empty.' }
  // Somebody ended it before the last of it was stored.
  return { status: text === writer.text ? ('completed' as const) : ('stopped' as const), content: text }
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
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    this.#end = () => signal.removeEventListener('abort', abort)
  }

  /** Throws an `AnswerFault` in place of what is waited for. */
  async race<T>(next: Promise<T>, ms: number): Promise<T> {
    const late = () => this.#over.reject(new AnswerFault('The answer took too long.', { passing: true }))
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

/** Tries again while a store is away: an answer that is whole should not be lost to a restart of the database. */
async function patiently(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (fault) {
      const isAway = fault instanceof Refusal && fault.reason === 'storage_unavailable'
      if (!isAway || tries >= SETTLE_TRIES) throw fault
      await Bun.sleep(SETTLE_PAUSE_MS)
    }
  }
}

async function until(signal: AbortSignal, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const end = () => resolve()
  signal.addEventListener('abort', end, { once: true })
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', end)
}
