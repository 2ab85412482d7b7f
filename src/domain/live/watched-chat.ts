import { type ChatLog, chatChannel, SIGNAL } from '../chats/log.ts'
import type { Bus, BusListener } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { ChatTail } from './chat-tail.ts'

/** What all watched chats share. The calls are synchronous and must not throw. */
export interface ChatKeeper {
  readonly log: ChatLog
  readonly bus: Bus
  /** Somebody has told what is not kept. */
  signalled(chatId: string, text: string): void
  /** The bus may have lost something. */
  doubted(): void
  /** Nobody uses it any more. */
  unused(watched: WatchedChat): void
}

/** A chat that is watched in this process, however many watch: one subscription to the bus, and one tail. */
export class WatchedChat implements BusListener {
  readonly chatId: string
  readonly #keeper: ChatKeeper
  readonly #opening: Promise<ChatTail>
  #tail: ChatTail | undefined
  #users = 0
  /** The newest event that was heard of before there was a tail. */
  #early = 0
  #unsubscribe: (() => void) | undefined

  constructor(chatId: string, keeper: ChatKeeper) {
    this.chatId = chatId
    this.#keeper = keeper
    this.#opening = this.#open()
  }

  /** Throws `Refusal('chat_missing' | 'storage_unavailable')`. */
  async use(): Promise<OpenChat> {
    this.#users += 1
    try {
      return new OpenChat(await this.#opening, this)
    } catch (fault) {
      this.leave()
      throw fault
    }
  }

  leave(): void {
    this.#users -= 1
    if (this.#users > 0) return
    this.#keeper.unused(this)
    this.close()
  }

  close(): void {
    this.#tail?.close()
    this.#unsubscribe?.()
  }

  /** The last event that was told of; `undefined` before it is known what there is. */
  get seq(): number | undefined {
    return this.#tail?.seq
  }

  /** There are events up to this one. */
  reaches(seq: number): void {
    this.#tail?.reaches(seq)
  }

  message(payload: string): void {
    if (payload.startsWith(SIGNAL)) this.#keeper.signalled(this.chatId, payload.slice(SIGNAL.length))
    else if (this.#tail) this.#tail.heard(payload)
    else this.#early = Math.max(this.#early, Number(payload.slice(0, payload.indexOf(' '))))
  }

  lost(): void {
    this.#keeper.doubted()
  }

  async #open(): Promise<ChatTail> {
    const { bus, log } = this.#keeper
    this.#unsubscribe = await bus.subscribe(chatChannel(this.chatId), this)
    try {
      const newest = await log.newest(this.chatId)
      if (newest === undefined) throw new Refusal('chat_missing')
      this.#tail = new ChatTail(this.chatId, log, newest)
      this.#tail.reaches(this.#early)
      return this.#tail
    } catch (fault) {
      this.#unsubscribe()
      throw fault
    }
  }
}

/** One use of a watched chat. */
export class OpenChat {
  readonly tail: ChatTail
  #watched: WatchedChat | undefined

  constructor(tail: ChatTail, watched: WatchedChat) {
    this.tail = tail
    this.#watched = watched
  }

  /** May be called again. */
  close(): void {
    this.#watched?.leave()
    this.#watched = undefined
  }
}
