import { type ChatLog, chatChannel, SIGNAL } from '../chats/log.ts'
import type { Bus } from '../ports.ts'
import { type ChatKeeper, type OpenChat, WatchedChat } from './watched-chat.ts'

/** How often some of the watched chats are looked at, and how many at a time. */
const SWEEP_MS = 1000
const SWEPT_AT_ONCE = 2000

/** Hears of the chats that are open here what the log does not have. Both calls are synchronous and must not throw. */
export interface SignalListener {
  /** See `LiveChats.signal`. */
  signal(chatId: string, text: string): void
  /** Signals may have been missed. */
  lost(): void
}

/**
 * The chats that are watched in this process. The bus may lose what it likes: every one is compared with the log now and
 * then, and soon after the bus was away.
 */
export class LiveChats {
  readonly #log: ChatLog
  readonly #bus: Bus
  readonly #keeper: ChatKeeper
  readonly #watched = new Map<string, WatchedChat>()
  readonly #signals = new Set<SignalListener>()
  readonly #timer: ReturnType<typeof setInterval>
  /** Those still to be looked at in this round. */
  #round: string[] = []
  #sweeping = false
  /** The bus was away, and nothing was looked at since. */
  #doubtful = false
  /** The round goes on without a pause. */
  #hurried = false

  constructor(log: ChatLog, bus: Bus) {
    this.#log = log
    this.#bus = bus
    this.#keeper = {
      log,
      bus,
      signalled: (chatId, text) => this.#heard(chatId, text),
      doubted: () => this.#doubt(),
      unused: (watched) => this.#drop(watched),
    }
    this.#timer = setInterval(() => void this.#sweep(), SWEEP_MS)
    this.#timer.unref()
  }

  /** Throws `Refusal('chat_missing' | 'storage_unavailable')`. */
  async open(chatId: string): Promise<OpenChat> {
    const watched = this.#watched.get(chatId) ?? this.#watch(chatId)
    return watched.use()
  }

  /**
   * Tells every instance that watches the chat something that is not kept: who types, who is there. Never fails: it may be
   * lost. This instance hears it too, where it watches the chat.
   */
  signal(chatId: string, text: string): void {
    this.#bus.publish(chatChannel(chatId), `${SIGNAL}${text}`).catch(() => {})
  }

  onSignal(listener: SignalListener): () => void {
    this.#signals.add(listener)
    return () => this.#signals.delete(listener)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const watched of this.#watched.values()) watched.close()
    this.#watched.clear()
  }

  #watch(chatId: string): WatchedChat {
    const watched = new WatchedChat(chatId, this.#keeper)
    this.#watched.set(chatId, watched)
    return watched
  }

  #drop(watched: WatchedChat): void {
    // Another may have taken its place.
    if (this.#watched.get(watched.chatId) === watched) this.#watched.delete(watched.chatId)
  }

  #heard(chatId: string, text: string): void {
    for (const listener of this.#signals) listener.signal(chatId, text)
  }

  /** Called for every channel at once: all of it is looked at, now. */
  #doubt(): void {
    if (this.#doubtful) return
    this.#doubtful = true
    queueMicrotask(() => {
      for (const listener of this.#signals) listener.lost()
      void this.#sweep()
    })
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return
    this.#sweeping = true
    try {
      do {
        if (this.#doubtful || this.#round.length === 0) this.#round = [...this.#watched.keys()]
        this.#hurried ||= this.#doubtful
        this.#doubtful = false
        await this.#look(this.#round.splice(-SWEPT_AT_ONCE))
        if (this.#round.length === 0) this.#hurried = false
      } while (this.#hurried)
    } catch {
      // The database is away: whoever calls it is told, and the next round looks again.
    } finally {
      this.#sweeping = false
    }
  }

  async #look(chatIds: readonly string[]): Promise<void> {
    const known = chatIds.flatMap((chatId) => {
      const seq = this.#watched.get(chatId)?.seq
      return seq === undefined ? [] : [{ chatId, seq }]
    })
    if (known.length === 0) return
    for (const { chatId, seq } of await this.#log.grown(known)) this.#watched.get(chatId)?.reaches(seq)
  }
}
