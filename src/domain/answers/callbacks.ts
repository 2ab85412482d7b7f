import { z } from 'zod'
import { BoundedCache } from '../bounded-cache.ts'
import type { ChatAccess } from '../chats/access.ts'
import type { AnswerBuffer, AnswerRef, AnswerSource, Pieced } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { type AnswerStore, isRunning } from './answer-store.ts'
import type { CallbackTokens } from './callback-tokens.ts'
import type { AnswerDispatch } from './dispatch.ts'
import type { AnswerLimits } from './limits.ts'
import { type Settlement, storable } from './settlement.ts'

type Parts = {
  tokens: CallbackTokens
  access: ChatAccess
  buffer: AnswerBuffer
  store: AnswerStore
  settlement: Settlement
  dispatch: AnswerDispatch
  limits: AnswerLimits
}

/** What an answer ends with, as it waits for pieces that are on their way. */
const Kept = z.object({
  content: z.string().nullable(),
  sources: z.array(z.object({ title: z.string(), url: z.string().optional(), content: z.string().optional() })),
})
type Kept = { content: string | null; sources: AnswerSource[] }

const SYSTEM = { kind: 'service' } as const
/** Answers whose last sign of life is remembered here. */
const REMEMBERED = 10_000

/** Takes what another service says of the answers that it was handed, on whichever instance it says it. */
export class AnswerCallbacks {
  readonly #parts: Parts
  readonly #renewedAt = new BoundedCache<string, number>(REMEMBERED)

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The answer that a call is about. Throws `token_invalid` or `message_missing`. */
  async identify(chatId: string, messageId: string, token: string | undefined): Promise<AnswerRef> {
    const answerId = token && this.#parts.tokens.read(token, messageId)
    if (!answerId) throw new Refusal('token_invalid')
    try {
      await this.#parts.access.open(SYSTEM, chatId)
    } catch (fault) {
      throw fault instanceof Refusal && fault.reason === 'chat_missing' ? new Refusal('message_missing') : fault
    }
    return { chatId, messageId, answerId }
  }

  /** Throws `answer_over`, `message_missing`, or `too_many_pieces`. */
  async chunk(answer: AnswerRef, number: number | null, content: string): Promise<void> {
    const pieced = await this.#parts.buffer.addPiece(answer, number, storable(content))
    await this.#expectTaken(answer, pieced)
    if ('ending' in pieced && pieced.ending !== undefined)
      return this.#end(answer, Kept.parse(JSON.parse(pieced.ending)))
    // One that waits for others is no sign that those will come.
    if (pieced.outcome === 'appended') await this.#renew(answer)
  }

  /** Throws `answer_over`, `message_missing`, or `answer_content_missing`. */
  async complete(answer: AnswerRef, count: number | null, end: Kept): Promise<void> {
    const { buffer } = this.#parts
    if (end.content === null) {
      const pieced = await buffer.endPieces(answer, count, JSON.stringify(end))
      await this.#expectTaken(answer, pieced)
      if (pieced.outcome === 'held') return
      if ((await buffer.read(answer))?.text === '') throw new Refusal('answer_content_missing')
    }
    await this.#end(answer, end)
  }

  async #end(answer: AnswerRef, { content, sources }: Kept): Promise<void> {
    const { buffer, settlement, dispatch } = this.#parts
    const text = await buffer.finish(answer)
    if (text === undefined) await this.#expectTaken(answer, { outcome: 'missing' })
    const whole = content === null ? (text ?? '') : storable(content)
    const isFirst = await settlement.settle(answer, { status: 'completed', content: whole, sources })
    dispatch.ended(answer.answerId)
    if (!isFirst) throw new Refusal('answer_over')
  }

  async #expectTaken(answer: AnswerRef, { outcome }: Pieced): Promise<void> {
    if (outcome === 'full') throw new Refusal('too_many_pieces')
    if (outcome === 'finished') throw new Refusal('answer_over')
    if (outcome !== 'missing') return
    const { store, settlement, dispatch } = this.#parts
    const row = await store.find(answer.answerId)
    if (row?.message_id !== answer.messageId) throw new Refusal('message_missing')
    if (isRunning(row)) {
      // The buffer was emptied: what comes now would be the end of a text without its beginning.
      const content = await store.textOf(answer.messageId)
      await settlement.settle(answer, { status: 'failed', content, error: 'The text of the answer was lost.' })
      dispatch.ended(answer.answerId)
    }
    throw new Refusal('answer_over')
  }

  /** Now and then: the deadline of the next piece is far away. */
  async #renew(answer: AnswerRef): Promise<void> {
    const { store, limits, buffer } = this.#parts
    const { answerId } = answer
    const now = Date.now()
    if (now - (this.#renewedAt.get(answerId) ?? 0) < limits.betweenMs / 4) return
    this.#renewedAt.set(answerId, now)
    await store.renew([answerId], limits.betweenMs)
    const known = await buffer.read(answer)
    if (known !== undefined && known.text.length >= limits.answerLength)
      await this.#end(answer, { content: null, sources: [] })
  }
}
