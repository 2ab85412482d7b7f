import type { Participant } from '../accounts/actor.ts'
import { BoundedCache } from '../bounded-cache.ts'
import type { Bus } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import type { ChatStore } from './chat-store.ts'
import { assertMayOpen, type Doors, isStaff } from './doors.ts'

const CHATS_CACHED = 100_000
/** The bus channel on which instances tell each other that a chat was deleted or restored. A payload is its id. */
const CHANNEL = 'chats'

/**
 * Who may open a chat: its owner, admins, and a back end with the service key; of a support session also its customer, the
 * agent who holds it, and while it waits any agent. A chat's owner and customer never change, so they are known without
 * asking; its agent is asked for each time. That it was deleted is checked once more by whatever writes to it.
 */
export class ChatAccess {
  readonly #store: ChatStore
  readonly #bus: Bus
  readonly #doors = new BoundedCache<string, Doors>(CHATS_CACHED)
  /** Counts what was heard: an answer of the database is cached only if nothing changed while it was on its way. */
  #heard = 0

  constructor(store: ChatStore, bus: Bus) {
    this.#store = store
    this.#bus = bus
  }

  /** Hears what other instances delete. Call once, before the first `open`. */
  async start(): Promise<void> {
    await this.#bus.subscribe(CHANNEL, {
      message: (chatId) => this.#forget(chatId),
      lost: () => {
        this.#heard += 1
        this.#doors.clear()
      },
    })
  }

  /**
   * Resolves to who else may. Throws `Refusal('chat_missing')`, also for a chat that is somebody else's: whether it exists
   * is not told.
   */
  async open(actor: Participant, chatId: string): Promise<Doors> {
    let known = isStaff(actor) ? undefined : this.#doors.get(chatId)
    if (known === undefined) {
      const heard = this.#heard
      known = await this.#store.doors(chatId)
      if (known === undefined) throw new Refusal('chat_missing')
      if (heard === this.#heard) this.#doors.set(chatId, known)
    }
    assertMayOpen(actor, known)
    return known
  }

  /** A chat was deleted or restored here, or has become a support session. */
  changed(chatId: string): void {
    this.#forget(chatId)
    // While the bus is away the others are told of nothing, and writes are refused by the database all the same.
    this.#bus.publish(CHANNEL, chatId).catch(() => {})
  }

  #forget(chatId: string): void {
    this.#heard += 1
    this.#doors.delete(chatId)
  }
}

/** How the log and the tables name who did something; `null` for a back end that acts for nobody. */
export function idOf(actor: Participant): string | null {
  switch (actor.kind) {
    case 'account':
      return actor.accountId
    case 'visitor':
      return actor.userId
    case 'service':
      return null
  }
}
