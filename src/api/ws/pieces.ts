import type { AnswerRef } from '../../domain/ports.ts'
import { type LoopLoad, loopLoad } from '../loop-load.ts'

/** More of an answer, right after what was told of it. */
export type Piece = { answer: AnswerRef; offset: number; text: string }

/**
 * So long pieces wait for the next, and go out as one: while somebody does not keep up, and while this process does not: a
 * frame to each of many sockets is the most of what a piece costs.
 */
const WAIT_MS = 40
const BUSY_WAIT_MS = 20
/** Of a piece's frame beside its text, in UTF-16 code units: about. And so much is told before it can put anybody behind. */
const FRAME_LENGTH = 160
const LOOK_LENGTH = 4096

/** Tells pieces of answers as they come, or together where those who hear them, or this process, are slower than they come. */
export class Pieces {
  readonly #tell: (piece: Piece) => void
  readonly #isBehind: () => boolean
  readonly #load: Pick<LoopLoad, 'works' | 'isBusy'>
  readonly #waiting = new Map<string, Piece>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  /** How much was told since. */
  #told = LOOK_LENGTH
  #behind = false

  constructor(
    tell: (piece: Piece) => void,
    isBehind: () => boolean,
    load: Pick<LoopLoad, 'works' | 'isBusy'> = loopLoad,
  ) {
    this.#tell = tell
    this.#isBehind = isBehind
    this.#load = load
  }

  add(piece: Piece): void {
    this.#load.works()
    const isSlow = this.#isSlow(piece.text.length)
    if (!(isSlow || this.#load.isBusy)) {
      this.flush()
      return this.#tell(piece)
    }
    const { answerId } = piece.answer
    const before = this.#waiting.get(answerId)
    this.#waiting.set(answerId, before === undefined ? piece : { ...before, text: before.text + piece.text })
    this.#timer ??= setTimeout(() => this.flush(), isSlow ? WAIT_MS : BUSY_WAIT_MS)
  }

  /** What waits goes out now: something else is told, or somebody joins. */
  flush(): void {
    if (this.#waiting.size === 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const piece of waiting) this.#tell(piece)
  }

  /** Looked at now and then: it is a look at every socket. */
  #isSlow(length: number): boolean {
    this.#told += length + FRAME_LENGTH
    if (!this.#behind && this.#told < LOOK_LENGTH) return false
    const now = performance.now()
    if (now - this.#lookedAt < WAIT_MS) return this.#behind
    this.#lookedAt = now
    this.#told = 0
    this.#behind = this.#isBehind()
    return this.#behind
  }
}
