/** What waits for one reader, in order. */
export class Queue<Item> {
  #items: Item[] = []
  #ended = false
  #wake = () => {}

  get length(): number {
    return this.#items.length
  }

  push(item: Item): void {
    this.#items.push(item)
    this.#wake()
  }

  clear(): void {
    this.#items = []
  }

  /** Nothing more comes. What waits can still be read. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** The next item, as soon as it is there; `undefined` when there will be none. */
  async next(): Promise<Item | undefined> {
    while (this.#items.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#items.shift()
  }
}
