import { Refusal } from '../refusal.ts'

/** What one commit takes at most, so that a burst neither makes a huge statement nor waits behind one. */
export type CommitLimits = {
  rows: number
  /** Of all rows of a commit together, in the unit that `weigh` tells. */
  weight: number
  /** Rows that may wait for their commit. Past it `add` refuses. */
  waiting: number
}

type Waiting<Row, Outcome> = { row: Row; resolve(outcome: Outcome): void; reject(fault: unknown): void }

/**
 * Rows that arrive while a commit is in flight go together in the next one. No timer: an idle one commits at once.
 * `commit` answers for each row, in order. Where it fails for a reason that may lie in one row, each row is tried alone, so
 * that a bad one fails alone.
 */
export class GroupCommit<Row, Outcome> {
  readonly #commit: (rows: Row[]) => Promise<Outcome[]>
  readonly #weigh: (row: Row) => number
  readonly #limits: CommitLimits
  #waiting: Waiting<Row, Outcome>[] = []
  #running = false

  constructor(limits: CommitLimits, weigh: (row: Row) => number, commit: (rows: Row[]) => Promise<Outcome[]>) {
    this.#limits = limits
    this.#weigh = weigh
    this.#commit = commit
  }

  /** Resolves once the row is committed. Throws `Refusal('overloaded')` where too many wait already. */
  add(row: Row): Promise<Outcome> {
    if (this.#waiting.length >= this.#limits.waiting) return Promise.reject(new Refusal('overloaded'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject })
      if (this.#running) return
      this.#running = true
      // Not at once: what arrives in this same turn of the event loop goes with it.
      queueMicrotask(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#settle(this.#take())
    this.#running = false
  }

  #take(): Waiting<Row, Outcome>[] {
    let weight = 0
    let count = 0
    for (const { row } of this.#waiting) {
      weight += this.#weigh(row)
      if (count > 0 && (count === this.#limits.rows || weight > this.#limits.weight)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  async #settle(batch: Waiting<Row, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#commit(batch.map(({ row }) => row))
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index]
        if (outcome === undefined) reject(new Error('A commit left a row without its outcome.'))
        else resolve(outcome)
      }
    } catch (fault) {
      // A store that is away is away for all of them; whether it had committed is not known.
      if (batch.length === 1 || fault instanceof Refusal) for (const { reject } of batch) reject(fault)
      else for (const one of batch) await this.#settle([one])
    }
  }
}
