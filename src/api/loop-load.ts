/** What is averaged over, and from which share of it on the event loop is busy. */
const WINDOW_MS = 100
const BUSY_SHARE = 0.9

/**
 * Whether the event loop has next to no time left. It is looked at while there is work of which there is very much: whoever
 * does such work says so. By the clock, for a process that is not given the time that it wants is busy as well; and by CPU
 * time, for of a short turn much comes before anybody says so.
 */
export class LoopLoad {
  readonly #now: () => number
  readonly #cpu: () => number
  /** Since when the loop is at work in this turn. */
  #turnFrom: number | undefined
  #windowFrom: number
  #cpuFrom: number
  #worked = 0
  #busy = false

  /** `now` and `cpu`, the CPU time of this thread, are in milliseconds. */
  constructor(now: () => number = () => performance.now(), cpu = cpuOfThread) {
    this.#now = now
    this.#cpu = cpu
    this.#windowFrom = now()
    this.#cpuFrom = cpu()
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
    const cpu = this.#cpu()
    this.#busy = Math.max(this.#worked, cpu - this.#cpuFrom) >= window * BUSY_SHARE
    this.#windowFrom = now
    this.#cpuFrom = cpu
    this.#worked = 0
  }
}

function cpuOfThread(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** There is one event loop. */
export const loopLoad = new LoopLoad()
