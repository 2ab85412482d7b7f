import type { ChatEvent } from '../../src/contract/events.ts'
import type { Beginning, ChatReader } from './chat-feed.ts'
import { Queue } from './queue.ts'

/** How a chat begins, or a change of it. */
export type LiveItem = Beginning | ChatEvent

/** Read it once, with `for await`. */
export interface LiveWatch {
  [Symbol.asyncIterator](): AsyncGenerator<LiveItem, void, void>
  /** Ends the reading. */
  close(): void
}

/** What may wait for the reader: items, and their length in UTF-16 code units. Past either it is told of the rest later. */
const WAITING_MAX = 1000
const WAITING_LENGTH_MAX = 4_194_304

/** Where a watch gets its items from. */
interface Source {
  add(reader: ChatReader, after: number | undefined): void
  remove(reader: ChatReader): void
  resume(reader: ChatReader): void
}

/** One loop over a chat's changes, at its own pace. */
export class WatchedChat implements LiveWatch, ChatReader {
  readonly #source: Source
  readonly #after: number | undefined
  readonly #items = new Queue<{ item: LiveItem; length: number }>()
  #length = 0
  #isFull = false
  #closed = false
  #failure: Error | undefined

  constructor(source: Source, after: number | undefined) {
    this.#source = source
    this.#after = after
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LiveItem, void, void> {
    if (this.#closed) return
    this.#source.add(this, this.#after)
    try {
      while (true) {
        if (this.#isFull && this.#items.length === 0) {
          this.#isFull = false
          this.#source.resume(this)
        }
        const next = await this.#items.next()
        if (next === undefined) break
        this.#length -= next.length
        yield next.item
      }
    } finally {
      this.#source.remove(this)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  close(): void {
    this.#closed = true
    this.#items.clear()
    this.#items.end()
    this.#source.remove(this)
  }

  begins(beginning: Beginning, length: number): void {
    this.#push(beginning, length)
  }

  event(event: ChatEvent, length: number): boolean {
    this.#isFull ||= this.#items.length >= WAITING_MAX || this.#length + length > WAITING_LENGTH_MAX
    if (this.#isFull) return false
    this.#push(event, length)
    return true
  }

  passes(): void {}

  signal(): void {}

  answer(): void {}

  ends(error: Error | undefined): void {
    this.#failure = error
    this.#items.end()
  }

  #push(item: LiveItem, length: number): void {
    this.#length += length
    this.#items.push({ item, length })
  }
}
