/**
 * At most `max` entries; the one used the longest time ago goes first. Uses while it is less than half full do not count:
 * nothing is dropped soon then, and to note each of them costs several times what the look-up does.
 */
export class BoundedCache<Key, Value> {
  readonly #max: number
  readonly #entries = new Map<Key, Value>()

  constructor(max: number) {
    this.#max = max
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined || this.#entries.size * 2 < this.#max) return value
    // A Map keeps the order of insertion: the newest use is the last.
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#max) return
    const oldest = this.#entries.keys().next()
    if (!oldest.done) this.#entries.delete(oldest.value)
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }

  /** Looks at every entry: for what happens seldom. */
  deleteWhere(condition: (value: Value) => boolean): void {
    for (const [key, value] of this.#entries) if (condition(value)) this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }
}
