import type { Bus, BusListener } from '../../domain/ports.ts'
import { Listeners } from './listeners.ts'

/** The bus of a single process: a payload has reached every listener when `publish` returns its promise. */
export class MemoryBus implements Bus {
  readonly #channels = new Map<string, Listeners>()

  async publish(channel: string, payload: string): Promise<void> {
    this.tell(channel, payload)
  }

  /** The same, without a promise. */
  tell(channel: string, payload: string): void {
    this.#channels.get(channel)?.message(payload)
  }

  async subscribe(channel: string, listener: BusListener): Promise<() => void> {
    return this.#join(channel, listener)
  }

  #join(channel: string, listener: BusListener): () => void {
    const listeners = this.#channels.get(channel) ?? new Listeners()
    this.#channels.set(channel, listeners)
    const entry = listeners.add(listener)
    return () => {
      // Only who removes the last one removes the channel: a later call would remove a newer one of that name.
      if (listeners.remove(entry) && listeners.size === 0) this.#channels.delete(channel)
    }
  }
}
