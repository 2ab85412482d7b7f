/** A value that changes, in the shape of React's `useSyncExternalStore`. Its methods may be handed over by themselves. */
export interface Observable<Value> {
  /** The same object until it changes. */
  readonly getSnapshot: () => Value
  /** Called after every change. Returns the call that ends this. */
  readonly subscribe: (listener: () => void) => () => void
}

export class Variable<Value> implements Observable<Value> {
  #value: Value
  readonly #listeners = new Set<() => void>()
  readonly #onListened: (listened: boolean) => void

  /** `onListened`: somebody begins to listen, or the last one has left. */
  constructor(value: Value, onListened: (listened: boolean) => void = () => {}) {
    this.#value = value
    this.#onListened = onListened
  }

  get listened(): boolean {
    return this.#listeners.size > 0
  }

  readonly getSnapshot = (): Value => this.#value

  readonly subscribe = (listener: () => void): (() => void) => {
    // The same function may listen more than once.
    const heard = () => listener()
    this.#listeners.add(heard)
    if (this.#listeners.size === 1) this.#onListened(true)
    return () => {
      if (this.#listeners.delete(heard) && this.#listeners.size === 0) this.#onListened(false)
    }
  }

  set(value: Value): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) {
      try {
        listener()
      } catch (error) {
        // Its own fault, told where such are told: the others, and the socket, go on.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
