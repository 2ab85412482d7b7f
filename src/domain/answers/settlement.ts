import { z } from 'zod'
import { SOURCE_MAX, SOURCES_MAX, type Source } from '../../contract/chats.ts'
import type { Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import type { ChatLog } from '../chats/log.ts'
import type { Change, NewEvent } from '../chats/log-store.ts'
import type { ChatRow } from '../chats/rows.ts'
import type { AnswerBuffer, AnswerRef, AnswerSource } from '../ports.ts'
import type { AnswerStore } from './answer-store.ts'
import { beforeHalf } from './halves.ts'

/** How a run ends. */
const Ending = z.object({
  status: z.enum(['completed', 'stopped', 'failed']),
  /** What the message says then, where that is not the text in the buffer. */
  content: z.string().optional(),
  /** What it says where there is no text. */
  apology: z.string().optional(),
  sources: z
    .array(z.object({ title: z.string(), url: z.string().optional(), content: z.string().optional() }))
    .optional(),
  usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).nullish(),
  /** Why it failed, for a person to read. */
  error: z.string().optional(),
  /** The answerer asks for a person to go on. */
  person: z.boolean().optional(),
})
export type Ending = z.infer<typeof Ending>

/** Whoever ends an answer, whatever it is a producer, a person, or whoever finds it abandoned, does so by this. */
const SYSTEM = { kind: 'service' } as const

/** What follows from an answer's end, and happens in the same transaction. */
export interface AnswerFollower {
  /** Resolves to the events that tell of it. */
  ended(transaction: Transaction, chat: ChatRow, at: string, ending: Ending): Promise<NewEvent[]>
  /** The same is committed. Synchronous, must not throw. */
  told(chatId: string): void
}

/** How an answer ends that is not stored yet: nothing is said any more. */
export type Decided = { ref: AnswerRef; ending: Ending; content: string }

/** What else is changed once the answers of a chat have ended. */
export type DecideEnd<T> = (transaction: Transaction, chat: ChatRow, at: string) => Promise<Change<T>>

/** The one end that every answer comes to. */
export class Settlement {
  readonly #store: AnswerStore
  readonly #log: ChatLog
  readonly #buffer: AnswerBuffer
  #follower: AnswerFollower | undefined

  constructor(store: AnswerStore, log: ChatLog, buffer: AnswerBuffer) {
    this.#store = store
    this.#log = log
    this.#buffer = buffer
  }

  /**
   * Ends an answer, in the way of whoever does so first: from then on its text does not grow, and what is stored is what
   * every watcher has been told. `lost`: the text, where the buffer does not have it; not given: what was kept of it.
   * Resolves to the status that it has come to by this call; to `undefined` where it had ended before.
   */
  async end(ref: AnswerRef, ending: Ending, lost?: string): Promise<Ending['status'] | undefined> {
    const decided = await this.decide(ref, ending, lost)
    return (await this.#settle(decided)) ? decided.ending.status : undefined
  }

  /** The first half of that: it is to be stored. */
  async decide(ref: AnswerRef, ending: Ending, lost?: string): Promise<Decided> {
    const finished = await this.#buffer.finish(ref, JSON.stringify(ending))
    // It may be another's, who was killed before the next line or is about to come to it.
    const decided = finished === undefined ? ending : Ending.parse(JSON.parse(finished.ending))
    const said = finished === undefined ? lost : finished.text
    // Of a run that has not begun the buffer has nothing: its message says what it said before.
    const text = decided.content ?? (said || (await this.#store.saidBy(ref)))
    return { ref, ending: decided, content: text || (decided.apology ?? '') }
  }

  /** Has this one follow from now on what answers end in. */
  follow(follower: AnswerFollower): void {
    this.#follower = follower
  }

  /**
   * Stores these ends, and makes another change after that, in one transaction; nobody follows it. Resolves to `undefined`,
   * with nothing changed, where another answer of the chat is being made.
   */
  settleAll<T>(
    actor: Participant,
    chatId: string,
    ends: readonly Decided[],
    decide: DecideEnd<T>,
  ): Promise<{ result: T } | undefined> {
    const known = new Set(ends.map(({ ref }) => ref.answerId))
    return this.#log.change<{ result: T } | undefined>(actor, chatId, async (transaction, chat, at) => {
      const running = await this.#store.runningInChat(transaction, chatId)
      if (running.some(({ id }) => !known.has(id))) return { events: [], result: undefined }
      const events: NewEvent[] = []
      for (const end of ends) {
        const event = await this.#end(transaction, end, { at, seq: chat.last_seq + 1 + events.length })
        if (event !== undefined) events.push(event)
      }
      const { events: more, result } = await decide(transaction, chat, at)
      return { events: [...events, ...more], result: { result } }
    })
  }

  /** Resolves to false, with nothing changed, where it has ended already. */
  async #settle(decided: Decided): Promise<boolean> {
    const { chatId } = decided.ref
    let isFollowed = false
    const isStored = await this.#log.change(SYSTEM, chatId, async (transaction, chat, at) => {
      const event = await this.#end(transaction, decided, { at, seq: chat.last_seq + 1 })
      if (event === undefined) return { events: [], result: false }
      const more = (await this.#follower?.ended(transaction, chat, at, decided.ending)) ?? []
      isFollowed = more.length > 0
      return { events: [event, ...more], result: true }
    })
    if (isFollowed) this.#follower?.told(chatId)
    return isStored
  }

  async #end(
    transaction: Transaction,
    { ref, ending, content }: Decided,
    { at, seq }: { at: string; seq: number },
  ): Promise<NewEvent | undefined> {
    const { status, sources = [], usage = null, error = null } = ending
    const cited = sources.slice(0, SOURCES_MAX).map((source) => storedSource(source, ref.messageId, at))
    const message = await this.#store.end(transaction, ref, { status, content, sources: cited, usage, error, at, seq })
    if (message === undefined) return undefined
    const shown = message.deleted ? { content: '', sources: [] } : { content, sources: cited }
    const data = {
      message_id: ref.messageId,
      answer_id: ref.answerId,
      status,
      ...shown,
      usage,
      error,
      created_at: message.created_at,
      number: message.number,
    }
    return { type: 'answer.ended', data }
  }
}

function storedSource({ title, url, content }: AnswerSource, message_id: string, created_at: string): Source {
  return {
    id: Bun.randomUUIDv7(),
    message_id,
    title: storable(cut(title, SOURCE_MAX.title)),
    // Half an address leads nowhere.
    ...(url === undefined || url.length > SOURCE_MAX.url ? {} : { url: storable(url) }),
    ...(content === undefined ? {} : { content: storable(cut(content, SOURCE_MAX.content)) }),
    created_at,
  }
}

/** Not through the middle of a character. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : beforeHalf(text.slice(0, max)).whole
}

/** What the database takes as text. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}
