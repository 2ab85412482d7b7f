import { MemoryBus } from '../../../src/adapters/memory/bus.ts'
import type { Bus, BusListener } from '../../../src/domain/ports.ts'
import { Refusal } from '../../../src/domain/refusal.ts'

/** One instance's line to a bus that others share, which can be cut. */
export class SwitchBus implements Bus {
  readonly #shared: MemoryBus
  readonly #listeners = new Set<BusListener>()
  #cut = false

  constructor(shared = new MemoryBus()) {
    this.#shared = shared
  }

  async publish(channel: string, payload: string): Promise<void> {
    if (this.#cut) throw new Refusal('storage_unavailable')
    await this.#shared.publish(channel, payload)
  }

  async subscribe(channel: string, listener: BusListener): Promise<() => void> {
    if (this.#cut) throw new Refusal('storage_unavailable')
    const end = await this.#shared.subscribe(channel, {
      message: (payload) => {
        if (!this.#cut) listener.message(payload)
      },
      lost: () => {},
    })
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      end()
    }
  }

  /** As the port promises: listeners are told as it goes and as it comes back. */
  set cut(cut: boolean) {
    this.#cut = cut
    for (const listener of [...this.#listeners]) listener.lost()
  }
}
