/** What is averaged over, and from which share of it on the event loop is busy. */
const WINDOW_MS = 100
const BUSY_SHARE = 0.9

/**
 * Whether the event loop has next to no time left. It is known from the turns of the loop in which there is work of which
 * there is very much: whoever does such work says so. By the clock, not by CPU time: a process that is not given the time
 * that it wants is busy as well.
 */
export class LoopLoad {
  readonly #now: () => number
  /** Since when the loop is at work in this turn. */
  #turnFrom: number | undefined
  #windowFrom: number
  #worked = 0
  #busy = false

  /** `now`: in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#windowFrom = now()
  }

  get isBusy(): boolean {
    return this.#busy
  }

  /** There is work in this turn. */
  works(): void {
    if (this.#turnFrom !== undefined) return
    this.#turnFrom = this.#now()
    // Comes after all that is handled in this turn.
    setImmediate(() => this.#turned())
  }

  #turned(): void {
    const now = this.#now()
    this.#worked += now - (this.#turnFrom ?? now)
    this.#turnFrom = undefined
    const window = now - this.#windowFrom
    if (window < WINDOW_MS) return
    this.#busy = this.#worked >= window * BUSY_SHARE
    this.#windowFrom = now
    this.#worked = 0
  }
}

/** There is one event loop. */
export const loopLoad = new LoopLoad()
