import { Refusal } from './refusal.ts'

/** Lets so much of some work run at once; the rest waits its turn, up to a bound past which it is refused. */
export class Turns {
  readonly #limits: { atOnce: number; waiting: number }
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: { atOnce: number; waiting: number }) {
    this.#limits = limits
  }

  /** Throws `Refusal('overloaded')` where too much waits already. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const end = await this.begin()
    try {
      return await work()
    } finally {
      end()
    }
  }

  /** Resolves, when its turn has come, to the call that ends it: to be made once. Throws as `take` does. */
  async begin(): Promise<() => void> {
    if (this.#running < this.#limits.atOnce) this.#running += 1
    else if (this.#waiting.length >= this.#limits.waiting) throw new Refusal('overloaded', { retryAfter: 1 })
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return () => {
      // The place goes on to whoever waits the longest.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }
}
