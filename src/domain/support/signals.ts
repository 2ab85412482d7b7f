import type { Bus } from '../ports.ts'

/** The bus channel on which instances tell each other what has changed at the desk. */
const CHANNEL = 'support'

/** Hears of the desk. Synchronous, must not throw. */
export interface SupportListener {
  /** A session, an agent, or anything at all: what is known of the queue and of who has what is to be read again. */
  changed(): void
  noted(sessionId: string, noteId: string): void
}

/** Tells all instances, this one included, that something of the desk has changed: what, they read for themselves. */
export class SupportSignals {
  readonly #bus: Bus
  readonly #listeners = new Set<SupportListener>()
  #end = () => {}

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /** Throws `Refusal('storage_unavailable')` when the bus is away. */
  async start(): Promise<void> {
    const changed = () => {
      for (const listener of this.#listeners) listener.changed()
    }
    this.#end = await this.#bus.subscribe(CHANNEL, {
      message: (payload) => {
        const [kind, session, note] = payload.split(' ', 3)
        if (kind !== 'note' || session === undefined || note === undefined) return changed()
        for (const listener of this.#listeners) listener.noted(session, note)
      },
      lost: changed,
    })
  }

  stop(): void {
    this.#end()
    this.#listeners.clear()
  }

  listen(listener: SupportListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  session(id: string): void {
    this.#publish(`session ${id}`)
  }

  agent(): void {
    this.#publish('agent')
  }

  note(sessionId: string, noteId: string): void {
    this.#publish(`note ${sessionId} ${noteId}`)
  }

  /** What the bus loses is read at the next signal, or by whoever looks now and then. */
  #publish(payload: string): void {
    this.#bus.publish(CHANNEL, payload).catch(() => {})
  }
}
