import type { AnswerRef } from '../../domain/ports.ts'

/** More of an answer, right after what was told of it. */
export type Piece = { answer: AnswerRef; offset: number; text: string }

/** While somebody does not keep up, pieces wait so long for the next, and go out as one. */
const WAIT_MS = 40
/** Of a piece's frame beside its text, in UTF-16 code units: about. And so much is told before it can put anybody behind. */
const FRAME_LENGTH = 160
const LOOK_LENGTH = 4096

/** Tells pieces of answers as they come, or together where those who hear them are slower than they come. */
export class Pieces {
  readonly #tell: (piece: Piece) => void
  readonly #isBehind: () => boolean
  readonly #waiting = new Map<string, Piece>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #lookedAt = 0
  /** How much was told since. */
  #told = LOOK_LENGTH
  #behind = false

  constructor(tell: (piece: Piece) => void, isBehind: () => boolean) {
    this.#tell = tell
    this.#isBehind = isBehind
  }

  add(piece: Piece): void {
    if (!this.#isSlow(piece.text.length)) {
      this.flush()
      return this.#tell(piece)
    }
    const { answerId } = piece.answer
    const before = this.#waiting.get(answerId)
    this.#waiting.set(answerId, before === undefined ? piece : { ...before, text: before.text + piece.text })
    this.#timer ??= setTimeout(() => this.flush(), WAIT_MS)
  }

  /** What waits goes out now: something else is told, or somebody joins. */
  flush(): void {
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
