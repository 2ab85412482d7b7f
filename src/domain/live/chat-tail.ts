import { eventText } from '../chats/log.ts'
import type { LoggedEvent } from '../chats/log-store.ts'
import { FewMap } from '../few-map.ts'

/** An event as readers are told of it. */
export type TailEvent = { seq: number /** The JSON text of a `ChatEvent`. */; text: string }

/** Hears a chat. The calls are synchronous and must not throw. */
export interface TailListener {
  /** The next event: its `seq` is one more than the last one's. */
  event(event: TailEvent): void
  /** Events are lost to this tail, since the log has forgotten them: what is known of the chat must be read afresh. */
  broken(): void
}

/** What a tail reads: see `ChatLog.read`. */
export interface TailLog {
  read(chatId: string, after: number, limit: number): Promise<{ events: LoggedEvent[]; complete: boolean }>
}

/** Events kept for those who come back a moment later, and their texts' length together in UTF-16 code units. */
const RECENT_MAX = 128
const RECENT_LENGTH_MAX = 131_072
/** Events read from the log at a time. */
const PAGE = 100
const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 2000

/**
 * The events of one chat in this process: each once, in the order of `seq`, with none left out. What wakes it up (the bus)
 * may come late, twice or never; a gap is filled from the log.
 */
export class ChatTail {
  readonly chatId: string
  readonly #log: TailLog
  readonly #listeners = new FewMap<TailListener, true>()
  /** The newest events, without gaps, the last of them `#seq`. */
  #recent: TailEvent[] = []
  #recentLength = 0
  /** The last event that was told. */
  #seq: number
  /** The last event that is known to be there. */
  #newest: number
  #healing: Promise<void> | undefined
  #closed = false

  /** `seq`: the newest event, read after the wake-ups began to be heard. */
  constructor(chatId: string, log: TailLog, seq: number) {
    this.chatId = chatId
    this.#log = log
    this.#seq = seq
    this.#newest = seq
  }

  /** The last event that listeners were told of. */
  get seq(): number {
    return this.#seq
  }

  get closed(): boolean {
    return this.#closed
  }

  listen(listener: TailListener): void {
    this.#listeners.set(listener, true)
  }

  unlisten(listener: TailListener): void {
    this.#listeners.delete(listener)
  }

  /** The payload of a wake-up: an event that was committed. */
  heard(payload: string): void {
    const space = payload.indexOf(' ')
    const seq = Number(payload.slice(0, space))
    if (seq === this.#seq + 1) this.#tell({ seq, text: payload.slice(space + 1) })
    else this.reaches(seq)
  }

  /** There are events up to this one: those that were not told yet are read. */
  reaches(seq: number): void {
    if (seq > this.#newest) this.#newest = seq
    if (this.#newest > this.#seq && !this.#closed) this.#healing ??= this.#heal()
  }

  /** The same; resolves once they are told, or nothing will be any more. */
  async reached(seq: number): Promise<void> {
    this.reaches(seq)
    await this.#healing
  }

  /** The events after one of them, where they are still at hand; `[]` where it was the last one told. */
  since(after: number): readonly TailEvent[] | undefined {
    if (after === this.#seq) return []
    const missed = this.#seq - after
    return missed > 0 && missed <= this.#recent.length ? this.#recent.slice(-missed) : undefined
  }

  /**
   * Tells of every event after `after`, then calls `live` at the very moment from which listeners are told of the next.
   * Where `tell` returns a promise, the next event waits for it. Resolves to false, without having called `live`, where the
   * log has forgotten some of them, or there never was an event `after`. Throws `Refusal('storage_unavailable')`.
   */
  async replay(
    after: number,
    tell: (event: TailEvent) => Promise<void> | undefined,
    live: () => unknown,
  ): Promise<boolean> {
    for (let seen = after; !this.#closed; ) {
      const events = this.since(seen) ?? (await this.#page(seen))
      if (events === undefined) return false
      for (const event of events) {
        const pause = tell(event)
        seen = event.seq
        if (pause === undefined) continue
        await pause
        break
      }
      if (seen !== this.#seq) continue
      live()
      return true
    }
    return false
  }

  /** What the log has after an event; `undefined` where it has forgotten some of it. */
  async #page(after: number): Promise<readonly TailEvent[] | undefined> {
    const { events, complete } = await this.#log.read(this.chatId, after, PAGE)
    if (!complete) return undefined
    const page = events.map(tailEvent)
    // Read from the log, so committed: listeners need not wait for the wake-up.
    for (const event of page) if (event.seq === this.#seq + 1) this.#tell(event)
    const last = page.at(-1)?.seq ?? after
    if (last > this.#seq) await this.reached(last)
    return page
  }

  close(): void {
    this.#closed = true
    this.#listeners.clear()
  }

  #tell(event: TailEvent): void {
    this.#seq = event.seq
    if (event.seq > this.#newest) this.#newest = event.seq
    this.#keep(event)
    for (const listener of this.#listeners.keys()) if (this.#listeners.has(listener)) listener.event(event)
  }

  #keep(event: TailEvent): void {
    this.#recent.push(event)
    this.#recentLength += event.text.length
    while (this.#recent.length > RECENT_MAX || this.#recentLength > RECENT_LENGTH_MAX) {
      this.#recentLength -= this.#recent.shift()?.text.length ?? 0
    }
  }

  /** Reads what is missing, for as long as it takes the log to answer. */
  async #heal(): Promise<void> {
    for (let retry = 0; this.#seq < this.#newest && !this.#closed; ) {
      try {
        const { events, complete } = await this.#log.read(this.chatId, this.#seq, PAGE)
        if (!complete) this.#break()
        else for (const event of events) if (event.seq === this.#seq + 1) this.#tell(tailEvent(event))
        // Else the log does not have (yet) what the bus has told of.
        if (!complete || events.length > 0) {
          retry = 0
          continue
        }
      } catch {
        // The store is away, and says so to whoever calls it: here there is nobody to tell.
      }
      await Bun.sleep(Math.min(RETRY_MIN_MS * 2 ** retry, RETRY_MAX_MS))
      retry += 1
    }
    this.#healing = undefined
  }

  #break(): void {
    this.#recent = []
    this.#recentLength = 0
    this.#seq = this.#newest
    for (const listener of this.#listeners.keys()) if (this.#listeners.has(listener)) listener.broken()
  }
}

export function tailEvent(event: LoggedEvent): TailEvent {
  return { seq: event.seq, text: eventText(event) }
}
