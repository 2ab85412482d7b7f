import type { BusListener } from '../../domain/ports.ts'

/** One who listens, for as long as it does. */
export type Entry = { listener: BusListener; isIn: boolean }

/**
 * Those who listen to one channel in this process. They may leave and join while a payload is on its way; one that joins
 * does not hear that payload (else a listener that joins another upon each would never come to an end).
 */
export class Listeners {
  /** An entry each, since the same listener may be there twice. Never changed, but replaced: most have one alone. */
  #entries: readonly Entry[] = []

  get size(): number {
    return this.#entries.length
  }

  add(listener: BusListener): Entry {
    const entry = { listener, isIn: true }
    this.#entries = [...this.#entries, entry]
    return entry
  }

  message(payload: string): void {
    for (const entry of this.#entries) if (entry.isIn) entry.listener.message(payload)
  }

  lost(): void {
    for (const entry of this.#entries) if (entry.isIn) entry.listener.lost()
  }

  /** Returns whether it was there. */
  remove(entry: Entry): boolean {
    if (!entry.isIn) return false
    entry.isIn = false
    this.#entries = this.#entries.filter((other) => other !== entry)
    return true
  }
}
