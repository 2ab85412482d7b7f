import { edenGC } from 'bun:jsc'

/** So many joins leave some megabytes behind. */
const JOINS = 128

/**
 * Collects what joins leave behind while many come, as after a restart. A join keeps little and throws away much. The
 * engine would let that pile up to the size of all that lives, with what is kept strewn in between, and a heap so spread
 * out never shrinks again. To collect what is young takes one to three milliseconds each time, and less in all than it
 * would later.
 */
export class JoinGarbage {
  readonly #collect: () => unknown
  #joins = 0

  constructor(collect: () => unknown = edenGC) {
    this.#collect = collect
  }

  /** A socket has joined. */
  add(): void {
    this.#joins += 1
    if (this.#joins < JOINS) return
    this.#joins = 0
    // What was just told goes out first.
    setImmediate(() => this.#collect())
  }
}
