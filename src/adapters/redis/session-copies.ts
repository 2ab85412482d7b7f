import type { Redis } from './redis.ts'

/** Of all copies together, in UTF-16 code units. */
const COPIES_MAX_LENGTH = 8_388_608
/** What an entry takes beside its texts. */
const ENTRY_LENGTH = 256

/** A session as it was after a change of this process: its header names that very state. */
export type SessionCopy = { header: string; messages: readonly string[] }

/**
 * Sessions as this process knows them, so that a post to one that nobody else changed meanwhile need not fetch all of it
 * again. Redis decides whether a copy still holds, by its header: positions are never used twice. Where Redis, or a part
 * of it, is lost, a replica or an old file may take its place, which has not heard of the newest ones: nothing is kept then.
 */
export class SessionCopies {
  readonly #copies = new Map<string, SessionCopy & { length: number }>()
  #length = 0
  #epoch = 0

  constructor(redis: Redis) {
    const clear = () => this.clear()
    redis.commands.watch({ lost: clear, back: clear })
  }

  /** Grows whenever all copies are dropped. */
  get epoch(): number {
    return this.#epoch
  }

  /** The copy, which is not kept any more: of posts that are under way at once only one can build on it. */
  take(key: string): SessionCopy | undefined {
    const copy = this.#copies.get(key)
    if (copy === undefined) return undefined
    this.#copies.delete(key)
    this.#length -= copy.length
    return copy
  }

  /** `epoch`: that of the time when it was asked for. What Redis said before it was lost is not kept after that. */
  keep(key: string, { header, messages }: SessionCopy, epoch: number): void {
    if (epoch !== this.#epoch) return
    this.take(key)
    const length = messages.reduce((sum, message) => sum + message.length, ENTRY_LENGTH)
    this.#copies.set(key, { header, messages, length })
    this.#length += length
    for (const oldest of this.#copies.keys()) {
      if (this.#length <= COPIES_MAX_LENGTH) break
      this.take(oldest)
    }
  }

  clear(): void {
    this.#copies.clear()
    this.#length = 0
    this.#epoch += 1
  }
}
