import type { AnswerBuffer, AnswerRef } from '../ports.ts'
import { beforeHalf } from './halves.ts'
import { storable } from './settlement.ts'

const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 2000
/** Who brings more than this before it is stored waits. */
const WAITING_MAX = 65_536

/**
 * Writes what an answerer says to the buffer, in order. What comes while a piece is on its way goes together with the next
 * one. Where the buffer is away it tries again, and where it lost the answer it begins it anew, for as long as the signal
 * is not aborted.
 */
export class AnswerWriter {
  readonly #buffer: AnswerBuffer
  readonly #ref: AnswerRef
  readonly #max: number
  readonly #signal: AbortSignal
  /** All that was said, and how much of it is in the buffer. */
  #text: string
  #stored: number
  /** The first half of a character whose second half is still to come. */
  #half = ''
  #flushing: Promise<void> | undefined
  #fenced = false
  #full: boolean

  /** `begun` is in the buffer already. `max`: UTF-16 code units. */
  constructor(buffer: AnswerBuffer, ref: AnswerRef, begun: string, max: number, signal: AbortSignal) {
    this.#buffer = buffer
    this.#ref = ref
    this.#max = max
    this.#signal = signal
    this.#text = begun
    this.#stored = begun.length
    this.#full = begun.length >= max
  }

  get text(): string {
    return this.#text
  }

  /** True once the answer was ended by somebody else. */
  get fenced(): boolean {
    return this.#fenced
  }

  /** Nothing more is taken: what comes next would stand behind something that was left out. */
  get full(): boolean {
    return this.#full
  }

  /** Resolves when more may come. */
  async add(piece: string): Promise<void> {
    const { whole, half } = beforeHalf(this.#half + piece)
    this.#half = half
    const text = storable(whole)
    this.#append(this.#text === '' ? text.trimStart() : text)
    if (this.#text.length - this.#stored > WAITING_MAX) await this.#flushing
  }

  /** Resolves once everything is in the buffer, or nothing will be any more. */
  async end(): Promise<void> {
    this.#append(storable(this.#half))
    this.#half = ''
    while (this.#flushing !== undefined) await this.#flushing
  }

  #append(text: string): void {
    if (this.#full) return
    const room = text.slice(0, this.#max - this.#text.length)
    this.#full = this.#text.length + text.length >= this.#max
    // Not through the middle of a character.
    this.#text += beforeHalf(room).whole
    // Behind a fence nothing is stored any more: a flush that waits for nothing would never count as over.
    if (!this.#fenced && this.#text.length > this.#stored) this.#flushing ??= this.#flush()
  }

  async #flush(): Promise<void> {
    let retry = 0
    while (this.#stored < this.#text.length && !this.#fenced) {
      try {
        await this.#store()
        retry = 0
      } catch {
        // The store is away, and says so to whoever calls it: the answerer need not know.
        if (this.#signal.aborted) break
        await Bun.sleep(Math.min(RETRY_MIN_MS * 2 ** retry, RETRY_MAX_MS))
        retry += 1
      }
    }
    this.#flushing = undefined
  }

  async #store(): Promise<void> {
    const appended = await this.#buffer.append(this.#ref, this.#stored, this.#text.slice(this.#stored))
    switch (appended.outcome) {
      case 'appended':
      case 'repeated':
        // Repeated: the answer to an earlier try was lost, and its text is there.
        this.#stored = Math.min(appended.length, this.#text.length)
        break
      case 'gap':
        this.#stored = appended.length
        break
      case 'finished':
        this.#fenced = true
        break
      case 'missing':
        await this.#buffer.open(this.#ref, this.#text.slice(0, this.#stored))
    }
  }
}
