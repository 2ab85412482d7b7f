import { Refusal } from '../refusal.ts'

/** What one commit takes at most, so that a burst neither makes a huge statement nor waits behind one. */
export type CommitLimits = {
  rows: number
  /** Of all rows of a commit together, in the unit that `weigh` tells. */
  weight: number
  /** Rows that may wait for their commit. Past it `add` refuses. */
  waiting: number
}

/** So few rows are not divided: a commit of one takes nearly as long. */
const UNDIVIDED = 16

type Waiting<Row, Outcome> = { row: Row; resolve(outcome: Outcome): void; reject(fault: unknown): void }
type Attempt<Outcome> = { outcomes: Outcome[] } | { fault: unknown }

/**
 * Rows that arrive while a commit is in flight go together in the next one. No timer: an idle one commits at once.
 * A commit takes half of the rows that are on their way, those of the last one with those that wait. Callers who post again
 * when they are answered would else all be in one commit, or nearly: the database and this process would take turns at
 * working. So the one commits a half while the other answers and takes in the other half.
 * `commit` answers for each row, in order. Where it fails for a reason that may lie in one row, the halves are tried apart,
 * and theirs, so that a bad row fails alone. Where it throws a `Refusal` the store is away, for all who wait.
 */
export class GroupCommit<Row, Outcome> {
  readonly #commit: (rows: Row[]) => Promise<Outcome[]>
  readonly #weigh: (row: Row) => number
  readonly #limits: CommitLimits
  #waiting: Waiting<Row, Outcome>[] = []
  #running = false
  /** Half of the rows that were on their way when the last commit came back; no limit where none was in flight. */
  #half = Infinity

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
    let inFlight = this.#next()
    while (inFlight !== undefined) {
      const { batch, attempt } = inFlight
      const outcome = await attempt
      if ('outcomes' in outcome) {
        this.#half = Math.ceil((batch.length + this.#waiting.length) / 2)
        // The next ones are on their way before these are answered: the database need not wait for that.
        inFlight = this.#next()
        process.nextTick(answer<Outcome>, batch, outcome.outcomes)
        continue
      }
      const away = await this.#fail(batch, outcome.fault)
      // Who arrived meanwhile has waited as long as these: one commit after the other would keep them for minutes.
      if (away !== undefined) rejectAll(this.#waiting.splice(0), away)
      inFlight = this.#next()
    }
    this.#running = false
    this.#half = Infinity
  }

  /** Begins the next commit, where somebody waits for one. */
  #next(): { batch: Waiting<Row, Outcome>[]; attempt: Promise<Attempt<Outcome>> } | undefined {
    const batch = this.#take()
    return batch.length === 0 ? undefined : { batch, attempt: this.#attempt(batch) }
  }

  /** Never rejects. */
  async #attempt(batch: Waiting<Row, Outcome>[]): Promise<Attempt<Outcome>> {
    try {
      return { outcomes: await this.#commit(batch.map(({ row }) => row)) }
    } catch (fault) {
      return { fault }
    }
  }

  #take(): Waiting<Row, Outcome>[] {
    const most = Math.min(this.#limits.rows, Math.max(UNDIVIDED, this.#half))
    let weight = 0
    let count = 0
    for (const { row } of this.#waiting) {
      weight += this.#weigh(row)
      if (count > 0 && (count === most || weight > this.#limits.weight)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  /** Resolves to the refusal of a store that is away; whether it had committed is not known. */
  async #fail(batch: Waiting<Row, Outcome>[], fault: unknown): Promise<Refusal | undefined> {
    if (batch.length > 1 && !(fault instanceof Refusal)) return this.#settleHalves(batch)
    rejectAll(batch, fault)
    return fault instanceof Refusal ? fault : undefined
  }

  async #settleHalves(batch: Waiting<Row, Outcome>[]): Promise<Refusal | undefined> {
    const middle = Math.floor(batch.length / 2)
    const away = await this.#settle(batch.slice(0, middle))
    if (away === undefined) return this.#settle(batch.slice(middle))
    rejectAll(batch.slice(middle), away)
    return away
  }

  async #settle(batch: Waiting<Row, Outcome>[]): Promise<Refusal | undefined> {
    const outcome = await this.#attempt(batch)
    if ('fault' in outcome) return this.#fail(batch, outcome.fault)
    answer(batch, outcome.outcomes)
    return undefined
  }
}

function answer<Outcome>(batch: readonly Waiting<unknown, Outcome>[], outcomes: readonly Outcome[]): void {
  for (const [index, { resolve, reject }] of batch.entries()) {
    const outcome = outcomes[index]
    if (outcome === undefined) reject(new Error('A commit left a row without its outcome.'))
    else resolve(outcome)
  }
}

function rejectAll(batch: readonly { reject(fault: unknown): void }[], fault: unknown): void {
  for (const { reject } of batch) reject(fault)
}
