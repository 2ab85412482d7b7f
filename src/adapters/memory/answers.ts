import { answerDelta } from '../../domain/answers/delta.ts'
import { beforeHalf } from '../../domain/answers/halves.ts'
import { chatChannel, SIGNAL } from '../../domain/chats/log.ts'
import type { AnswerBuffer, AnswerRef, Appended, Pieced } from '../../domain/ports.ts'
import type { MemoryBus } from './bus.ts'

/** How long an answer is kept after its last change, and after its end. */
export const KEPT_MS = 3_600_000
export const FINISHED_MS = 300_000
/** Pieces that wait for those before them, and their text's length together in UTF-16 code units. */
export const HELD_MAX = 1000
export const HELD_LENGTH_MAX = 262_144

type Answer = {
  ref: AnswerRef
  text: string
  /** Once it is finished: the ending of whoever did so first. */
  finished?: string
  expiresAt: number
  /** The first half of a character at the end of the last piece. */
  half: string
  /** The number of the next piece. */
  next: number
  held: Map<number, string>
  heldLength: number
  ending?: { count: number; text: string }
}

/** The answers of a single process, gone when it ends. */
export class MemoryAnswerBuffer implements AnswerBuffer {
  readonly #bus: MemoryBus
  readonly #now: () => number
  readonly #answers = new Map<string, Answer>()

  /** `now`: milliseconds since 1970. */
  constructor(bus: MemoryBus, now: () => number = Date.now) {
    this.#bus = bus
    this.#now = now
  }

  async open(ref: AnswerRef, begun: string): Promise<void> {
    this.#forgetExpired()
    if (this.#answers.has(ref.answerId)) return
    const answer = { ref, text: begun, expiresAt: 0, half: '', next: 0, held: new Map(), heldLength: 0 }
    this.#renew(ref.answerId, answer, KEPT_MS)
  }

  async drop({ answerId }: AnswerRef): Promise<void> {
    this.#answers.delete(answerId)
  }

  async append(ref: AnswerRef, offset: number, text: string): Promise<Appended> {
    const answer = this.#get(ref)
    if (answer === undefined) return { outcome: 'missing' }
    if (answer.finished !== undefined) return { outcome: 'finished' }
    const { length } = answer.text
    if (offset !== length) return { outcome: offset < length ? 'repeated' : 'gap', length }
    this.#append(answer, text)
    return { outcome: 'appended', length: answer.text.length }
  }

  async addPiece(ref: AnswerRef, number: number | null, text: string): Promise<Pieced> {
    const answer = this.#get(ref)
    if (answer === undefined) return { outcome: 'missing' }
    if (answer.finished !== undefined) return { outcome: 'finished' }
    if (number === null) {
      this.#join(answer, text)
      return { outcome: 'appended', length: answer.text.length }
    }
    if (number < answer.next || answer.held.has(number)) return { outcome: 'repeated', ...dueIn(answer) }
    if (number > answer.next) return this.#hold(ref, answer, number, text)
    let all = text
    for (answer.next += 1; answer.held.has(answer.next); answer.next += 1) {
      const piece = answer.held.get(answer.next) ?? ''
      answer.held.delete(answer.next)
      answer.heldLength -= piece.length
      all += piece
    }
    this.#join(answer, all)
    return { outcome: 'appended', length: answer.text.length, ...dueIn(answer) }
  }

  async endPieces(ref: AnswerRef, count: number | null, ending: string): Promise<Pieced> {
    const answer = this.#get(ref)
    if (answer === undefined) return { outcome: 'missing' }
    if (answer.finished !== undefined) return { outcome: 'finished' }
    const last = count ?? Math.max(answer.next, ...[...answer.held.keys()].map((number) => number + 1))
    if (answer.next >= last) return { outcome: 'appended', length: answer.text.length }
    answer.ending = { count: last, text: ending }
    this.#renew(ref.answerId, answer, KEPT_MS)
    return { outcome: 'held' }
  }

  async read(ref: AnswerRef): Promise<{ text: string; finished: boolean } | undefined> {
    const answer = this.#get(ref)
    return answer && { text: answer.text, finished: answer.finished !== undefined }
  }

  async finish(ref: AnswerRef, ending: string): Promise<{ text: string; ending: string } | undefined> {
    const answer = this.#get(ref)
    if (answer === undefined) return undefined
    if (answer.finished === undefined) {
      answer.finished = dueIn(answer).ending ?? ending
      answer.text += answer.half.toWellFormed()
      answer.held.clear()
      this.#renew(ref.answerId, answer, FINISHED_MS)
    }
    return { text: answer.text, ending: answer.finished }
  }

  endingHere(): AnswerRef[] {
    const open = [...this.#answers.values()].filter(
      ({ finished, expiresAt }) => finished === undefined && expiresAt > this.#now(),
    )
    return open.map(({ ref }) => ref)
  }

  #get({ answerId }: AnswerRef): Answer | undefined {
    const answer = this.#answers.get(answerId)
    return answer !== undefined && answer.expiresAt > this.#now() ? answer : undefined
  }

  #hold({ answerId }: AnswerRef, answer: Answer, number: number, text: string): Pieced {
    if (answer.held.size >= HELD_MAX || answer.heldLength + text.length > HELD_LENGTH_MAX) return { outcome: 'full' }
    answer.held.set(number, text)
    answer.heldLength += text.length
    this.#renew(answerId, answer, KEPT_MS)
    return { outcome: 'held' }
  }

  /** Behind what the pieces before it said. */
  #join(answer: Answer, text: string): void {
    const { whole, half } = beforeHalf(answer.half + text)
    answer.half = half
    this.#append(answer, whole.toWellFormed())
  }

  #append(answer: Answer, text: string): void {
    const { ref } = answer
    const offset = answer.text.length
    answer.text += text
    this.#renew(ref.answerId, answer, KEPT_MS)
    if (text !== '') this.#bus.tell(chatChannel(ref.chatId), `${SIGNAL}${answerDelta(ref, offset, text)}`)
  }

  /** The last changed at the end: the first to expire are at the front, but for those that are finished. */
  #renew(answerId: string, answer: Answer, keptMs: number): void {
    answer.expiresAt = this.#now() + keptMs
    this.#answers.delete(answerId)
    this.#answers.set(answerId, answer)
  }

  #forgetExpired(): void {
    const now = this.#now()
    for (const [answerId, { expiresAt }] of this.#answers) if (expiresAt <= now) this.#answers.delete(answerId)
  }
}

/** What `endPieces` was given, where its pieces are all there. */
function dueIn({ next, ending }: Answer): { ending?: string } {
  return ending === undefined || next < ending.count ? {} : { ending: ending.text }
}
