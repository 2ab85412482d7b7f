import type { Participant } from '../accounts/actor.ts'
import { DELTA } from '../answers/delta.ts'
import type { ChatAccess } from '../chats/access.ts'
import { isPassing } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { SnapshotStore } from '../chats/snapshot-store.ts'
import type { Bus } from '../ports.ts'
import { type Followed, follow } from './follow.ts'
import type { LiveAnswers } from './live-answers.ts'
import { LiveChats } from './live-chats.ts'
import { Presence, type Present } from './presence.ts'
import { Starts } from './starts.ts'
import { Typing } from './typing.ts'
import { fromWord, wordOf } from './word.ts'

/** Hears of watched chats what is not kept. Synchronous, must not throw. */
export interface LiveListener {
  presence(chatId: string, present: Present): void
  typing(chatId: string, userId: string, typing: boolean): void
}

/** A signal that tells of typing: this, the person, and 1 or 0. Presence has signals of its own. */
const TYPING = 't'

/** Chats as they change, for all who watch. */
export class Live {
  readonly chats: LiveChats
  readonly starts: Starts
  readonly presence: Presence
  readonly typing: Typing
  readonly answers: LiveAnswers
  readonly #log: ChatLog
  readonly #access: ChatAccess
  readonly #listeners = new Set<LiveListener>()

  constructor(parts: {
    log: ChatLog
    access: ChatAccess
    snapshots: SnapshotStore
    bus: Bus
    answers: LiveAnswers
  }) {
    this.answers = parts.answers
    this.#log = parts.log
    this.#access = parts.access
    this.chats = new LiveChats(parts.log, parts.bus)
    this.starts = new Starts(parts.log, parts.snapshots)
    this.typing = new Typing((chatId, userId, typing) =>
      this.chats.signal(chatId, `${TYPING} ${wordOf(userId)} ${typing ? 1 : 0}`),
    )
    this.presence = new Presence(parts.bus, {
      signal: (chatId, text) => this.chats.signal(chatId, text),
      tell: (chatId, present) => {
        for (const listener of this.#listeners) listener.presence(chatId, present)
      },
    })
    this.chats.onSignal({
      signal: (chatId, text) => this.#heard(chatId, text),
      lost: () => {
        this.presence.doubt()
        this.answers.doubt()
      },
    })
  }

  /** Throws `Refusal('storage_unavailable')` when the bus is away. */
  start(): Promise<void> {
    return this.presence.start()
  }

  async stop(): Promise<void> {
    this.typing.stop()
    await this.presence.stop()
    this.chats.stop()
  }

  onSignal(listener: LiveListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** See `follow`. Throws `Refusal('chat_missing')` for a chat that is not the actor's to read. */
  async *follow(
    actor: Participant,
    chatId: string,
    after: number | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Followed> {
    const doors = await this.#access.open(actor, chatId)
    const { chats: live, answers, starts } = this
    const followed = follow({ live, log: this.#log, answers, starts }, chatId, after, signal)
    if (!isPassing(actor, doors)) return yield* followed
    for await (const item of followed) {
      yield item
      // The session may have gone to somebody else.
      if (item.type !== 'answer') await this.#access.open(actor, chatId)
    }
  }

  #heard(chatId: string, text: string): void {
    if (text.startsWith(`${DELTA} `)) return this.answers.heard(chatId, text)
    const [kind, person, typing] = text.split(' ', 3)
    if (kind !== TYPING || person === undefined) return this.presence.heard(chatId, text)
    for (const listener of this.#listeners) listener.typing(chatId, fromWord(person), typing === '1')
  }
}
