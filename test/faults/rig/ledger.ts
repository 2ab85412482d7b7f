/** A message that the server has acknowledged. */
export type Acknowledged = {
  clientId: string
  id: string
  chatId: string
  position: number
  seq: number
  content: string
  /** By `performance.now`. */
  at: number
}

/** What the writers were told is stored. */
export class Ledger {
  readonly acknowledged: Acknowledged[] = []
  /** Posts that were sent more than once, with the same client_id. */
  retried = 0
  #woken = Promise.withResolvers<void>()
  #closed = false
  #complete = false

  /** Whether the writers are to stop. */
  get closed(): boolean {
    return this.#closed
  }

  /** Whether they have, so that what is stored by now is all. */
  get complete(): boolean {
    return this.#complete
  }

  add(message: Omit<Acknowledged, 'at'>): void {
    this.acknowledged.push({ ...message, at: performance.now() })
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  finish(): void {
    this.#complete = true
    this.#wake()
  }

  /** Resolves with the next change of this ledger. */
  next(): Promise<void> {
    return this.#woken.promise
  }

  /** Resolves once so many more are acknowledged, or when the writers are to stop. */
  async grows(by: number): Promise<void> {
    const count = this.acknowledged.length + by
    while (this.acknowledged.length < count && !this.#closed) await this.next()
  }

  #wake(): void {
    this.#woken.resolve()
    this.#woken = Promise.withResolvers()
  }
}
