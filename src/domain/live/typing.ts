/** How long somebody types who says so once. */
const LASTS_MS = 6000
/** Saying it again sooner tells nobody. */
const TOLD_AGAIN_MS = 3000
/** Who types here at once, at most; more are not told of. */
const TYPING_MAX = 50_000

type Typist = { chatId: string; userId: string; toldAt: number; timer: ReturnType<typeof setTimeout> }

/** Who is typing in this process. Told when it begins, now and then while it goes on, and when it ends. */
export class Typing {
  readonly #tell: (chatId: string, userId: string, typing: boolean) => void
  readonly #typists = new Map<string, Typist>()

  constructor(tell: (chatId: string, userId: string, typing: boolean) => void) {
    this.#tell = tell
  }

  begin(chatId: string, userId: string): void {
    const key = keyOf(chatId, userId)
    const known = this.#typists.get(key)
    if (known === undefined && this.#typists.size >= TYPING_MAX) return
    clearTimeout(known?.timer)
    const timer = setTimeout(() => this.end(chatId, userId), LASTS_MS)
    timer.unref()
    const now = Date.now()
    const again = known === undefined || now - known.toldAt >= TOLD_AGAIN_MS
    this.#typists.set(key, { chatId, userId, toldAt: again ? now : known.toldAt, timer })
    if (again) this.#tell(chatId, userId, true)
  }

  /** Said so, sent the message, or left. */
  end(chatId: string, userId: string): void {
    const key = keyOf(chatId, userId)
    const known = this.#typists.get(key)
    if (known === undefined) return
    clearTimeout(known.timer)
    this.#typists.delete(key)
    this.#tell(chatId, userId, false)
  }

  stop(): void {
    for (const { timer } of this.#typists.values()) clearTimeout(timer)
    this.#typists.clear()
  }
}

function keyOf(chatId: string, userId: string): string {
  return `${chatId} ${userId}`
}
