import { BoundedCache } from '../bounded-cache.ts'
import type { ChatAccess } from '../chats/access.ts'
import type { AnswerBuffer, AnswerRef, AnswerSource } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { type AnswerStore, isRunning } from './answer-store.ts'
import type { CallbackTokens } from './callback-tokens.ts'
import type { AnswerDispatch } from './dispatch.ts'
import type { AnswerLimits } from './limits.ts'
import { isAway, patiently } from './patience.ts'
import { cut, type Ending, type Settlement, storable } from './settlement.ts'

type Parts = {
  tokens: CallbackTokens
  access: ChatAccess
  buffer: AnswerBuffer
  store: AnswerStore
  settlement: Settlement
  dispatch: AnswerDispatch
  limits: AnswerLimits
}

/** What the service says at the end. `content`: the whole text, where it is not what its pieces make. */
type Whole = { content: string | null; sources: AnswerSource[] }

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
    const answer = token && this.#parts.tokens.read(token, chatId, messageId)
    if (!answer) throw new Refusal('token_invalid')
    try {
      await this.#parts.access.open(SYSTEM, chatId)
    } catch (fault) {
      throw fault instanceof Refusal && fault.reason === 'chat_missing' ? new Refusal('message_missing') : fault
    }
    return answer
  }

  /** Throws `answer_over`, `message_missing`, or `too_many_pieces`. */
  async chunk(answer: AnswerRef, number: number | null, content: string): Promise<void> {
    // Of one that is longer than an answer may be the rest is left out anyway.
    const piece = cut(content.replaceAll('\0', ''), this.#parts.limits.answerLength)
    const pieced = await this.#parts.buffer.addPiece(answer, number, piece)
    switch (pieced.outcome) {
      case 'appended':
        if (pieced.ending !== undefined || pieced.length >= this.#parts.limits.answerLength) return this.#end(answer)
        return this.#renew(answer)
      case 'repeated':
        // The last one, whose first caller did not come to the end.
        if (pieced.ending !== undefined) await this.#end(answer)
        return
      case 'held':
        // No sign that those that it waits for will come.
        return
      case 'full':
        throw new Refusal('too_many_pieces')
      default:
        return this.#over(answer, pieced.outcome)
    }
  }

  /** Throws `answer_over`, `message_missing`, or `answer_content_missing`. */
  async complete(answer: AnswerRef, count: number | null, { content, sources }: Whole): Promise<void> {
    const ending: Ending = { status: 'completed', sources }
    if (content !== null) return this.#end(answer, { ...ending, content: await this.#continued(answer, content) })
    const pieced = await this.#parts.buffer.endPieces(answer, count, JSON.stringify(ending))
    if (pieced.outcome === 'finished' || pieced.outcome === 'missing') return this.#over(answer, pieced.outcome)
    if (pieced.outcome !== 'appended') return
    if (pieced.length === 0) throw new Refusal('answer_content_missing')
    await this.#end(answer, ending)
  }

  /** The service says no more, or this instead, and wants a person to go on. Throws `answer_over` or `message_missing`. */
  async person(answer: AnswerRef, content: string | null): Promise<void> {
    const said = content === null ? {} : { content: await this.#continued(answer, content) }
    if ((await this.#parts.buffer.read(answer)) === undefined) return this.#over(answer, 'missing')
    await this.#end(answer, { status: 'completed', person: true, ...said })
  }

  /** Where the pieces were all there, what they end with comes first. */
  async #end(answer: AnswerRef, ending: Ending = { status: 'completed' }): Promise<void> {
    const { settlement, dispatch } = this.#parts
    const status = await patiently(() => settlement.end(answer, ending))
    dispatch.ended(answer.answerId)
    if (status !== 'completed') throw new Refusal('answer_over')
  }

  /** The whole of what this run says goes behind what the message said before it. */
  async #continued({ answerId, messageId }: AnswerRef, said: string): Promise<string> {
    const { store, limits } = this.#parts
    const begun = (await store.find(answerId))?.begun ?? 0
    const before = begun === 0 ? '' : (await store.textOf(messageId)).slice(0, begun)
    return cut(before + storable(said), limits.answerLength)
  }

  /** Nothing more can be said. Resolves where it had been said, and whoever it was said to did not come to the end. */
  async #over(answer: AnswerRef, outcome: 'finished' | 'missing'): Promise<void> {
    const row = await this.#parts.store.find(answer.answerId)
    if (row?.message_id !== answer.messageId) throw new Refusal('message_missing')
    if (!isRunning(row)) throw new Refusal('answer_over')
    // One that is finished has its ending. Else the buffer was emptied: what comes now has no beginning.
    const lost = outcome === 'missing' ? { error: 'The text of the answer was lost.' } : {}
    await this.#end(answer, { status: 'failed', ...lost })
  }

  /** Now and then: the deadline of the next piece is far away. Throws `answer_over`. */
  async #renew(answer: AnswerRef): Promise<void> {
    const { store, limits } = this.#parts
    const { answerId } = answer
    const now = Date.now()
    const apart = limits.betweenMs / 4
    if (now - (this.#renewedAt.get(answerId) ?? 0) < apart) return
    this.#renewedAt.set(answerId, now)
    try {
      // A piece that comes sooner than the next renewal has as long until the next one, too.
      const [renewed] = await store.renew([answerId], limits.betweenMs + apart)
      if (renewed !== undefined) return
    } catch (fault) {
      this.#renewedAt.delete(answerId)
      // The piece is taken: whoever is told that it was not sends it again. The next one renews.
      if (isAway(fault)) return
      throw fault
    }
    // It was ended before there was a text to end.
    await this.#end(answer, { status: 'stopped' })
  }
}
