import { z } from 'zod'
import type { Source } from '../../contract/chats.ts'
import type { ChatLog } from '../chats/log.ts'
import type { AnswerBuffer, AnswerRef, AnswerSource } from '../ports.ts'
import type { AnswerStore } from './answer-store.ts'

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
})
export type Ending = z.infer<typeof Ending>

/** Whoever ends an answer, whatever it is a producer, a person, or whoever finds it abandoned, does so by this. */
const SYSTEM = { kind: 'service' } as const

/** As many are kept and told of. */
export const SOURCES_MAX = 100

/** The one end that every answer comes to. */
export class Settlement {
  readonly #store: AnswerStore
  readonly #log: ChatLog
  readonly #buffer: AnswerBuffer

  constructor(store: AnswerStore, log: ChatLog, buffer: AnswerBuffer) {
    this.#store = store
    this.#log = log
    this.#buffer = buffer
  }

  /**
   * Ends an answer, in the way of whoever does so first: from then on its text does not grow, and what is stored is what
   * every watcher has been told. `lost`: the text, where the buffer does not have it; not given: what the message says.
   * Resolves to the status that it has come to by this call; to `undefined` where it had ended before.
   */
  async end(ref: AnswerRef, ending: Ending, lost?: string): Promise<Ending['status'] | undefined> {
    const finished = await this.#buffer.finish(ref, JSON.stringify(ending))
    // It may be another's, who was killed before the next line or is about to come to it.
    const decided = finished === undefined ? ending : Ending.parse(JSON.parse(finished.ending))
    const text = decided.content ?? finished?.text ?? lost ?? (await this.#store.textOf(ref.messageId))
    const isStored = await this.#settle(ref, decided, text || (decided.apology ?? ''))
    return isStored ? decided.status : undefined
  }

  /** Resolves to false, with nothing changed, where it has ended already. */
  #settle(ref: AnswerRef, ending: Ending, content: string): Promise<boolean> {
    const { status, sources = [], usage = null, error = null } = ending
    return this.#log.change(SYSTEM, ref.chatId, async (transaction, chat, at) => {
      const cited = sources.slice(0, SOURCES_MAX).map((source) => storedSource(source, ref.messageId, at))
      const end = { status, content, sources: cited, usage, error, at, seq: chat.last_seq + 1 }
      const message = await this.#store.end(transaction, ref, end)
      if (message === undefined) return { events: [], result: false }
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
      return { events: [{ type: 'answer.ended', data }], result: true }
    })
  }
}

function storedSource({ title, url, content }: AnswerSource, message_id: string, created_at: string): Source {
  return {
    id: Bun.randomUUIDv7(),
    message_id,
    title: storable(title),
    ...(url === undefined ? {} : { url: storable(url) }),
    ...(content === undefined ? {} : { content: storable(content) }),
    created_at,
  }
}

/** What the database takes as text. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}
