import { DeskBacklog } from '../../src/contract/desk-backlog.ts'
import type { DeskFrame } from '../../src/contract/support-feed.ts'
import type { DeskReader } from './desk-feed.ts'

/** Read it once, with `for await`. */
export interface DeskWatch {
  [Symbol.asyncIterator](): AsyncGenerator<DeskFrame, void, void>
  /** Ends the reading. */
  close(): void
}

/** Where a watch gets its frames from. */
interface Source {
  add(reader: DeskReader): void
  remove(reader: DeskReader): void
}

/** One loop over the desk as it is. Who is slow is told of the newest queue and sessions alone: the others are past. */
export class WatchedDesk implements DeskWatch, DeskReader {
  readonly #source: Source
  readonly #waiting = new DeskBacklog()
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
        const frame = this.#waiting.take()
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
    this.#waiting.clear()
    this.ends(undefined)
    this.#source.remove(this)
  }

  frame(frame: DeskFrame): void {
    this.#waiting.put(frame)
    this.#wake()
  }

  ends(error: Error | undefined): void {
    this.#ended = true
    this.#failure = error
    this.#wake()
  }
}
