import type { SearchHit, SearchQuery, SearchResult } from '../../contract/search.ts'
import { SEARCH_LIMIT } from '../../contract/search.ts'
import { type Actor, isPrivileged } from '../accounts/actor.ts'
import { Refusal } from '../refusal.ts'
import { Turns } from '../turns.ts'
import type { ChatAccess } from './access.ts'
import type { HistoryStore } from './history-store.ts'
import { messageOf } from './rows.ts'
import { snippetOf } from './search-snippet.ts'
import type { Candidate, Part, SearchStore } from './search-store.ts'
import { neededText, type SoughtWord, soughtWords, typedText } from './search-words.ts'

/** As many messages as one search looks through, as many as one statement of it does, and as many as it ranks. */
export type SearchBounds = { messages: number; step: number; candidates: number }

const BOUNDS: SearchBounds = { messages: 500_000, step: 20_000, candidates: 2000 }

/** As many chats as one search looks through, and as many as one statement of it does. */
const CHATS_MAX = 20_000
const STEP_CHATS = 1000

/**
 * Each keeps a connection busy, of which an embedded database has one; between its statements it lets others go first.
 */
const AT_ONCE = { atOnce: 4, waiting: 64 }

/** Finds messages by their words in chats that are not deleted, on every branch. */
export class SearchService {
  readonly #store: SearchStore
  readonly #reads: HistoryStore
  readonly #access: ChatAccess
  readonly #bounds: SearchBounds
  readonly #turns = new Turns(AT_ONCE)

  constructor(parts: { store: SearchStore; reads: HistoryStore; access: ChatAccess; bounds?: SearchBounds }) {
    this.#store = parts.store
    this.#reads = parts.reads
    this.#access = parts.access
    this.#bounds = parts.bounds ?? BOUNDS
  }

  /**
   * Looks through the actor's own chats, or where it may, those of `account_id`; or through `chat_id` alone. Throws
   * `chat_missing`, `forbidden` for another's account, and `invalid` for a back end that names neither.
   */
  async search(actor: Actor, query: SearchQuery): Promise<SearchResult> {
    const chats = await this.#scope(actor, query)
    const { text, lastIsPrefix } = typedText(query.q.trim())
    const compiled = await this.#store.compile(text, lastIsPrefix)
    if (compiled === undefined) return { items: [], has_more: false, complete: true }
    const { skip = 0, limit = SEARCH_LIMIT } = query
    return this.#turns.take(async () => {
      const { found, complete } = await this.#candidates(chats, compiled.text, neededText(compiled.positive))
      const page = found.slice(skip, skip + limit)
      const items = await this.#hits(page, soughtWords(compiled.positive))
      return { items, has_more: found.length > skip + limit, complete }
    })
  }

  async #scope(actor: Actor, { chat_id, account_id }: SearchQuery): Promise<{ id: string; last_seq: number }[]> {
    const own = actor.kind === 'account' ? actor.accountId : undefined
    if (account_id !== undefined && account_id !== own && !isPrivileged(actor)) throw new Refusal('forbidden')
    if (chat_id !== undefined) {
      await this.#access.open(actor, chat_id)
      return [{ id: chat_id, last_seq: await this.#store.lastSeq(chat_id) }]
    }
    const owner = account_id ?? own
    if (owner === undefined) {
      const msg = 'Name a chat or an account: a back end has no chats of its own.'
      throw new Refusal('invalid', { issues: [{ loc: ['query', 'account_id'], msg, type: 'missing' }] })
    }
    return this.#store.chatsOf(owner, CHATS_MAX)
  }

  /** Of the newest matches the best first; of those that are as good, the newest. */
  async #candidates(
    chats: readonly { id: string; last_seq: number }[],
    query: string,
    needed: string,
  ): Promise<{ found: Candidate[]; complete: boolean }> {
    const { candidates, messages } = this.#bounds
    const found: Candidate[] = []
    for (const parts of stepsOf(chats, this.#bounds)) {
      found.push(...(await this.#store.scan(parts, query, needed, candidates - found.length)))
      if (found.length === candidates) break
    }
    const all = chats.reduce((sum, { last_seq }) => sum + last_seq, 0)
    const complete = found.length < candidates && all <= messages && chats.length < CHATS_MAX
    // Ids have the order of time.
    found.sort((one, other) => other.rank - one.rank || (one.id < other.id ? 1 : -1))
    return { found, complete }
  }

  async #hits(candidates: readonly Candidate[], words: readonly SoughtWord[]): Promise<SearchHit[]> {
    if (candidates.length === 0) return []
    const rows = await this.#reads.messages(candidates.map(({ id }) => id))
    const titles = await this.#store.titles([...new Set(rows.map(({ chat_id }) => chat_id))])
    const byId = new Map(rows.map((row) => [row.id, messageOf(row)]))
    return candidates.flatMap(({ id, rank }) => {
      const message = byId.get(id)
      const title = message && titles.get(message.chat_id)
      // It was deleted a moment ago.
      if (message === undefined || title === undefined || message.deleted_at !== null) return []
      return [{ message, chat: { id: message.chat_id, title }, snippet: snippetOf(message.content, words), rank }]
    })
  }
}

/** The chats' messages, newest first, in statements of bounded work. */
export function* stepsOf(
  chats: readonly { id: string; last_seq: number }[],
  { messages, step }: Pick<SearchBounds, 'messages' | 'step'>,
): Generator<Part[]> {
  let left = messages
  let parts: Part[] = []
  let room = Math.min(step, left)
  for (const { id, last_seq } of chats) {
    let high = last_seq
    while (high > 0 && left > 0) {
      const low = Math.max(1, high - room + 1)
      parts.push({ chatId: id, low, high })
      room -= high - low + 1
      left -= high - low + 1
      high = low - 1
      if (room > 0 && parts.length < STEP_CHATS) continue
      yield parts
      parts = []
      room = Math.min(step, left)
    }
  }
  if (parts.length > 0) yield parts
}
