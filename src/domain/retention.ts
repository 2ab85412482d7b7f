import type { RetentionStore } from './retention-store.ts'

/** So many rows go in one statement: it is over long before anybody who waits for the rows would notice. */
const STEP = 500
const CHATS = 20

/**
 * Forgets what is not wanted any more, in small steps. It may be done again at any time, and cut off at any: what was begun
 * is gone on with.
 */
export class Retention {
  readonly #store: RetentionStore

  constructor(store: RetentionStore) {
    this.#store = store
  }

  /** Logins and refresh tokens that have expired. Resolves to how many of either. */
  async logins(signal: AbortSignal): Promise<number> {
    const logins = await stepwise(signal, STEP, () => this.#store.forgetLogins(STEP))
    return logins + (await stepwise(signal, STEP, () => this.#store.forgetTokens(STEP)))
  }

  /**
   * Chats that were deleted so many days ago: their messages, events and answers, and files that only they had. Resolves to
   * how many chats.
   */
  async chats(days: number, signal: AbortSignal): Promise<number> {
    return stepwise(signal, CHATS, async () => {
      const chatIds = await this.#store.beginRemoval(days, CHATS)
      for (const chatId of chatIds) {
        await stepwise(signal, STEP, () => this.#store.removeMessages(chatId, STEP))
        await stepwise(signal, STEP, () => this.#store.removeEvents(chatId, STEP))
        if (signal.aborted) break
        await this.#store.removeChat(chatId)
      }
      return chatIds.length
    })
  }
}

/** Until there is less to do than one step may, or nobody waits any more. */
async function stepwise(signal: AbortSignal, full: number, step: () => Promise<number>): Promise<number> {
  let total = 0
  for (let done = full; done === full && !signal.aborted; total += done) done = await step()
  return total
}
