import type { Source } from '../../contract/chats.ts'
import type { ChatLog } from '../chats/log.ts'
import type { AnswerRef, AnswerSource, AnswerUsage } from '../ports.ts'
import type { AnswerEnd, AnswerStore } from './answer-store.ts'

/** How an answer ends, before it is stored. */
export type Ending = Pick<AnswerEnd, 'status' | 'content'> & {
  sources?: readonly AnswerSource[]
  usage?: AnswerUsage | null
  error?: string | null
}

/** Whoever ends an answer, whatever it is a producer, a person, or whoever finds it abandoned, does so by this. */
const SYSTEM = { kind: 'service' } as const

/** As many are kept and told of. */
const SOURCES_MAX = 100

/** The one end that every answer comes to. */
export class Settlement {
  readonly #store: AnswerStore
  readonly #log: ChatLog

  constructor(store: AnswerStore, log: ChatLog) {
    this.#store = store
    this.#log = log
  }

  /**
   * Stores how the answer ended, and tells of it. Resolves to false, with nothing changed, where it has ended already. The
   * buffer is finished before: what is stored here is what every watcher has seen.
   */
  settle(ref: AnswerRef, ending: Ending): Promise<boolean> {
    const { status, content, sources = [], usage = null, error = null } = ending
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
