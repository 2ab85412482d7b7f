import { MemoryBus } from '../../src/adapters/memory/bus.ts'

/** A bus in memory that keeps what was published. */
export class RecordingBus extends MemoryBus {
  readonly #published = new Map<string, string[]>()

  override publish(channel: string, payload: string): Promise<void> {
    const payloads = this.#published.get(channel) ?? []
    payloads.push(payload)
    this.#published.set(channel, payloads)
    return super.publish(channel, payload)
  }

  published(channel: string): readonly string[] {
    return this.#published.get(channel) ?? []
  }
}
