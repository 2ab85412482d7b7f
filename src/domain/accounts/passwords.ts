import { Refusal } from '../refusal.ts'
import type { PasswordHasher } from './ports.ts'

/** A hash takes tens of MiB and a tenth of a second of a core: more at once would starve everything else. */
const AT_ONCE = 2
/** About four seconds' worth. */
const WAITING_MAX = 64

/** Hashes passwords, a bounded number at a time. Throws `Refusal('overloaded')` when too many wait already. */
export class Passwords {
  readonly #hasher: PasswordHasher
  readonly #limits: { atOnce: number; waiting: number }
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(hasher: PasswordHasher, limits = { atOnce: AT_ONCE, waiting: WAITING_MAX }) {
    this.#hasher = hasher
    this.#limits = limits
  }

  hash(password: string): Promise<string> {
    return this.#inTurn(() => this.#hasher.hash(composed(password)))
  }

  /** With no hash it is as much work, and false: an unknown name takes as long as a wrong password. */
  async verify(password: string, hash: string | null): Promise<boolean> {
    const fits = await this.#inTurn(() => this.#hasher.verify(composed(password), hash ?? this.#hasher.decoy))
    return fits && hash !== null
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.atOnce) this.#running += 1
    else if (this.#waiting.length >= this.#limits.waiting) throw new Refusal('overloaded', { retryAfter: 1 })
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      // The place goes on to whoever waits the longest.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }
}

/** Keyboards differ in how they put an accented letter together. */
function composed(password: string): string {
  return password.normalize('NFKC')
}
