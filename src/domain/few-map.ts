/** So many entries are looked through one by one. */
const FEW = 8

/**
 * A map, in the order of insertion, of which there are many that hold one entry: a Map takes 400 bytes for it, this takes
 * 100. Whoever goes through it may change it meanwhile, and may then still come to what is gone.
 */
export class FewMap<Key, Value> implements Iterable<readonly [Key, Value]> {
  /** Never changed, but replaced. */
  #few: readonly (readonly [Key, Value])[] = []
  #many: Map<Key, Value> | undefined

  get size(): number {
    return this.#many?.size ?? this.#few.length
  }

  get(key: Key): Value | undefined {
    return this.#many === undefined ? this.#few.find(([own]) => own === key)?.[1] : this.#many.get(key)
  }

  has(key: Key): boolean {
    return this.#many === undefined ? this.#few.some(([own]) => own === key) : this.#many.has(key)
  }

  set(key: Key, value: Value): void {
    if (this.#many === undefined && this.#few.length === FEW && !this.has(key)) {
      this.#many = new Map(this.#few)
      this.#few = []
    }
    if (this.#many !== undefined) this.#many.set(key, value)
    else if (this.has(key)) this.#few = this.#few.map((entry) => (entry[0] === key ? [key, value] : entry))
    else this.#few = [...this.#few, [key, value]]
  }

  /** Returns whether it was there. */
  delete(key: Key): boolean {
    if (!this.has(key)) return false
    if (this.#many === undefined) this.#few = this.#few.filter(([own]) => own !== key)
    else this.#many.delete(key)
    if (this.#many?.size === 0) this.#many = undefined
    return true
  }

  clear(): void {
    this.#few = []
    this.#many = undefined
  }

  *keys(): Generator<Key> {
    for (const [key] of this) yield key
  }

  [Symbol.iterator](): Iterator<readonly [Key, Value]> {
    return this.#many === undefined ? this.#few.values() : this.#many.entries()
  }
}
