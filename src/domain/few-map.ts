/** So many entries are looked through one by one. */
const FEW = 8

type Entry<Key, Value> = { readonly key: Key; readonly value: Value; readonly next: Entry<Key, Value> | undefined }

/**
 * A map, in the order of insertion, of which there are many that hold one entry or two: a Map takes 600 bytes for one, this
 * takes 80. Whoever goes through it may change it meanwhile, and may then still come to what is gone.
 */
export class FewMap<Key, Value> implements Iterable<readonly [Key, Value]> {
  /** Never changed, but replaced. */
  #first: Entry<Key, Value> | undefined
  #many: Map<Key, Value> | undefined

  get size(): number {
    if (this.#many !== undefined) return this.#many.size
    let size = 0
    for (let entry = this.#first; entry !== undefined; entry = entry.next) size += 1
    return size
  }

  get(key: Key): Value | undefined {
    return this.#many === undefined ? this.#find(key)?.value : this.#many.get(key)
  }

  has(key: Key): boolean {
    return this.#many === undefined ? this.#find(key) !== undefined : this.#many.has(key)
  }

  set(key: Key, value: Value): void {
    if (this.#many === undefined && this.size === FEW && !this.has(key)) {
      this.#many = new Map(this)
      this.#first = undefined
    }
    if (this.#many === undefined) this.#first = withEntry(this.#first, key, value)
    else this.#many.set(key, value)
  }

  /** Returns whether it was there. */
  delete(key: Key): boolean {
    if (!this.has(key)) return false
    if (this.#many === undefined) this.#first = withoutEntry(this.#first, key)
    else this.#many.delete(key)
    if (this.#many?.size === 0) this.#many = undefined
    return true
  }

  clear(): void {
    this.#first = undefined
    this.#many = undefined
  }

  keys(): Iterable<Key> {
    if (this.#many !== undefined) return this.#many.keys()
    // No generator: hot paths go through these.
    const keys: Key[] = []
    for (let entry = this.#first; entry !== undefined; entry = entry.next) keys.push(entry.key)
    return keys
  }

  *[Symbol.iterator](): Generator<readonly [Key, Value]> {
    if (this.#many === undefined) {
      for (let entry = this.#first; entry !== undefined; entry = entry.next) yield [entry.key, entry.value]
    } else yield* this.#many
  }

  #find(key: Key): Entry<Key, Value> | undefined {
    let entry = this.#first
    while (entry !== undefined && entry.key !== key) entry = entry.next
    return entry
  }
}

function withEntry<Key, Value>(first: Entry<Key, Value> | undefined, key: Key, value: Value): Entry<Key, Value> {
  if (first === undefined) return { key, value, next: undefined }
  if (first.key === key) return { key, value, next: first.next }
  return { key: first.key, value: first.value, next: withEntry(first.next, key, value) }
}

function withoutEntry<Key, Value>(first: Entry<Key, Value> | undefined, key: Key): Entry<Key, Value> | undefined {
  if (first === undefined || first.key === key) return first?.next
  return { key: first.key, value: first.value, next: withoutEntry(first.next, key) }
}
