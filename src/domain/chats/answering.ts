import {
  type AnswererName,
  type Answering,
  type AnsweringChange,
  type ChatAnswering,
  toldAnswering,
} from '../../contract/answering.ts'
import type { Actor } from '../accounts/actor.ts'
import { Refusal } from '../refusal.ts'
import type { ChatAccess } from './access.ts'
import { type AnsweringStore, answeringOf } from './answering-store.ts'
import { assertMayArrange } from './doors.ts'
import type { ChatLog } from './log.ts'

/** How chats are answered that say nothing of it. */
export type AnsweringDefaults = {
  /** Those that are configured. The first one answers; none: nobody does. */
  answerers: readonly AnswererName[]
  systemPrompt: string | null
  historyMessages: number
  /** UTF-16 code units. */
  historyLength: number
}

export const ANSWERING_DEFAULTS: AnsweringDefaults = {
  answerers: [],
  systemPrompt: null,
  historyMessages: 50,
  historyLength: 32_768,
}

/** What an answerer is chosen and asked by. */
export type AnsweringRules = Omit<AnsweringDefaults, 'answerers'> & {
  /** One that was chosen when it was configured still, as well; `undefined`: nobody answers. */
  answerer: AnswererName | undefined
}

/** How each chat is answered: by whom, told what, and with how much of what was said. */
export class AnsweringService {
  readonly #store: AnsweringStore
  readonly #log: ChatLog
  readonly #access: ChatAccess
  readonly #defaults: AnsweringDefaults

  constructor(store: AnsweringStore, log: ChatLog, access: ChatAccess, defaults: AnsweringDefaults) {
    this.#store = store
    this.#log = log
    this.#access = access
    this.#defaults = defaults
  }

  /** For who may change it: others are told less, see `ToldAnswering`. Throws `Refusal('chat_missing' | 'forbidden')`. */
  async get(actor: Actor, chatId: string): Promise<ChatAnswering> {
    assertMayArrange(actor, await this.#access.open(actor, chatId))
    return this.#told(await this.#store.find(chatId))
  }

  /** Throws `Refusal('answerer_missing')` for one that is not configured. What is not named stays as it is. */
  async change(actor: Actor, chatId: string, change: AnsweringChange): Promise<ChatAnswering> {
    if (typeof change.answerer === 'string' && !this.has(change.answerer)) throw new Refusal('answerer_missing')
    return this.#log.change(actor, chatId, async (transaction, chat) => {
      assertMayArrange(actor, chat)
      if (chat.deleted_at !== null) throw new Refusal('chat_missing')
      const before = await answeringOf(transaction, chatId)
      const after = { ...before, ...given(change) }
      if (Bun.deepEquals(before, after)) return { events: [], result: this.#told(before) }
      await this.#store.put(transaction, chatId, after)
      return { events: [{ type: 'answering.changed', data: toldAnswering(after) }], result: this.#told(after) }
    })
  }

  has(answerer: AnswererName): boolean {
    return this.#defaults.answerers.includes(answerer)
  }

  /** For the server itself. */
  async rulesOf(chatId: string): Promise<AnsweringRules> {
    const { answerers, systemPrompt, historyMessages, historyLength } = this.#defaults
    const [first] = answerers
    // Nothing is read, after every post, for answers that nobody gives.
    if (first === undefined) return { answerer: undefined, systemPrompt, historyMessages, historyLength }
    const own = await this.#store.find(chatId)
    return {
      answerer: own.answerer ?? first,
      systemPrompt: own.system_prompt ?? systemPrompt,
      historyMessages: own.history_messages ?? historyMessages,
      historyLength: own.history_length ?? historyLength,
    }
  }

  #told(answering: Answering): ChatAnswering {
    return { ...answering, answerers: [...this.#defaults.answerers] }
  }
}

/** Without what is there and holds nothing. */
function given({ answerer, system_prompt, history_messages, history_length }: AnsweringChange): Partial<Answering> {
  return {
    ...(answerer === undefined ? {} : { answerer }),
    ...(system_prompt === undefined ? {} : { system_prompt }),
    ...(history_messages === undefined ? {} : { history_messages }),
    ...(history_length === undefined ? {} : { history_length }),
  }
}
