/** The server takes somebody who said so for typing for 6 seconds. */
const TOLD_FOR_MS = 6000
/** Saying it again sooner changes nothing. */
const AGAIN_MS = 3000

/** How often the server is told that this account types. */
export class TypingPace {
  /** When it was told last, by chat. */
  readonly #told = new Map<string, number>()

  isTold(chatId: string, typing: boolean): boolean {
    if (!typing) return this.#told.delete(chatId)
    const now = Date.now()
    for (const [other, at] of this.#told) if (now - at >= TOLD_FOR_MS) this.#told.delete(other)
    if (now - (this.#told.get(chatId) ?? 0) < AGAIN_MS) return false
    this.#told.set(chatId, now)
    return true
  }

  /** The message was sent: the server knows by itself. */
  ended(chatId: string): void {
    this.#told.delete(chatId)
  }
}
