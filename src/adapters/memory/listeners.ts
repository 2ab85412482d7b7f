import type { BusListener } from '../../domain/ports.ts'

/**
 * Those who listen to one channel in this process. They may leave and join while a payload is on its way; one that joins
 * does not hear that payload (else a listener that joins another upon each would never come to an end).
 */
export class Listeners {
  /** An entry each: the same listener may be there twice. */
  readonly #entries = new Set<{ listener: BusListener }>()

  get size(): number {
    return this.#entries.size
  }

  /** Returns the call that removes it: true the first time. */
  add(listener: BusListener): () => boolean {
    const entry = { listener }
    this.#entries.add(entry)
    return () => this.#entries.delete(entry)
  }

  message(payload: string): void {
    for (const entry of [...this.#entries]) {
      if (this.#entries.has(entry)) entry.listener.message(payload)
    }
  }

  lost(): void {
    for (const entry of [...this.#entries]) {
      if (this.#entries.has(entry)) entry.listener.lost()
    }
  }
}
