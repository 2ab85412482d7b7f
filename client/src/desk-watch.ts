import type { DeskFrame } from '../../src/contract/support-feed.ts'
import type { DeskReader } from './desk-feed.ts'

/** Read it once, with `for await`. */
export interface DeskWatch {
  [Symbol.asyncIterator](): AsyncGenerator<DeskFrame, void, void>
  /** Ends the reading. */
  close(): void
}

/** Notes that wait for the reader: the oldest go first. */
const NOTES_MAX = 100

/** Where a watch gets its frames from. */
interface Source {
  add(reader: DeskReader): void
  remove(reader: DeskReader): void
}

/** One loop over the desk as it is. Who is slow is told of the newest queue and sessions alone: the others are past. */
export class WatchedDesk implements DeskWatch, DeskReader {
  readonly #source: Source
  readonly #states = new Map<DeskFrame['type'], DeskFrame>()
  #notes: DeskFrame[] = []
  #ended = false
  #failure: Error | undefined
  #wake = () => {}

  constructor(source: Source) {
    this.#source = source
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DeskFrame, void, void> {
    if (this.#ended) return
    this.#source.add(this)
    try {
      while (true) {
        const frame = this.#next()
        if (frame !== undefined) yield frame
        else if (this.#ended) break
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      this.#source.remove(this)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  close(): void {
    this.#states.clear()
    this.#notes = []
    this.ends(undefined)
    this.#source.remove(this)
  }

  frame(frame: DeskFrame): void {
    if (frame.type === 'desk.note') this.#notes = [...this.#notes, frame].slice(-NOTES_MAX)
    else this.#states.set(frame.type, frame)
    this.#wake()
  }

  ends(error: Error | undefined): void {
    this.#ended = true
    this.#failure = error
    this.#wake()
  }

  #next(): DeskFrame | undefined {
    const [state] = this.#states.values()
    if (state === undefined) return this.#notes.shift()
    this.#states.delete(state.type)
    return state
  }
}
