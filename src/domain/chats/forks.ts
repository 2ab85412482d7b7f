import type { Branch, Message } from '../../contract/chats.ts'
import type { Actor } from '../accounts/actor.ts'
import type { ChatAccess } from './access.ts'
import type { ForkStore } from './fork-store.ts'

/** Which branches start at which messages. */
export class Forks {
  readonly #store: ForkStore
  readonly #access: ChatAccess

  constructor(store: ForkStore, access: ChatAccess) {
    this.#store = store
    this.#access = access
  }

  /** For each of these messages, by its id, the branches that fork at it, oldest first. */
  async startingAt(actor: Actor, chatId: string, messages: readonly Message[]): Promise<Map<string, string[]>> {
    await this.#access.open(actor, chatId)
    const starting = new Map<string, string[]>()
    for (const { message_id, branch_id } of await this.#store.at(messages.map(({ id }) => id))) {
      starting.set(message_id, [...(starting.get(message_id) ?? []), branch_id])
    }
    return starting
  }

  /** For each of these branches, by its id, the message that it forks at; none where it forks before the first. */
  async origins(actor: Actor, chatId: string, branches: readonly Branch[]): Promise<Map<string, string>> {
    await this.#access.open(actor, chatId)
    const forks = await this.#store.of(branches.map(({ id }) => id))
    return new Map(forks.map(({ branch_id, message_id }) => [branch_id, message_id]))
  }
}
