import type { Message } from '../../contract/chats.ts'
import { BoundedCache } from '../bounded-cache.ts'
import { Refusal } from '../refusal.ts'
import type { Fork, HistoryStore, Stretch } from './history-store.ts'
import { type MessageRow, messageOf } from './rows.ts'

/** Which part of a branch's history: the newest, those before or after a position, or those around one. */
export type Page =
  | { from: 'end'; limit: number }
  | { from: 'before' | 'after' | 'around'; position: number; limit: number }

/** Postgres's largest integer. */
const POSITION_MAX = 2_147_483_647

const LINES_CACHED = 50_000

/**
 * A branch's history: its own messages, and before them those of the branch it forks from. Positions are dense along it,
 * so that a page is a range of positions, and where a branch forks never changes, so that it is known without asking.
 */
export class History {
  readonly #store: HistoryStore
  readonly #forks = new BoundedCache<string, Fork>(LINES_CACHED)

  constructor(store: HistoryStore) {
    this.#store = store
  }

  /** Oldest first. */
  async page(branchId: string, page: Page): Promise<Message[]> {
    const { limit } = page
    switch (page.from) {
      case 'end':
        return this.#newest(branchId, POSITION_MAX, limit)
      case 'before':
        return this.#newest(branchId, Math.min(page.position - 1, POSITION_MAX), limit)
      case 'after':
        return this.range(branchId, page.position + 1, page.position + limit)
      case 'around': {
        const low = Math.max(1, page.position - Math.floor(limit / 2))
        return this.range(branchId, low, low + limit - 1)
      }
    }
  }

  /** The messages at these positions, both included. */
  async range(branchId: string, low: number, high: number): Promise<Message[]> {
    return (await this.#rows(branchId, low, high)).map(messageOf)
  }

  /** The fork of a branch of this chat. Throws `Refusal('branch_missing')`. */
  async fork(chatId: string, branchId: string): Promise<Fork> {
    const fork = await this.find(branchId)
    if (fork?.chatId !== chatId) throw new Refusal('branch_missing')
    return fork
  }

  async find(branchId: string): Promise<Fork | undefined> {
    const known = this.#forks.get(branchId)
    if (known !== undefined) return known
    const line = await this.#store.ancestry(branchId)
    for (const fork of line) this.#forks.set(fork.id, fork)
    return line[0]
  }

  /** Whether a message, by where it was written, is in a branch's history. */
  async contains(branchId: string, written: { branch_id: string; position: number }): Promise<boolean> {
    const [stretch] = await this.#stretches(branchId, written.position, written.position)
    return stretch?.branchId === written.branch_id
  }

  /** The branch in which the message at a position of this branch's history was written. */
  async writtenIn(branchId: string, position: number): Promise<string | undefined> {
    return (await this.#stretches(branchId, position, position))[0]?.branchId
  }

  async #newest(branchId: string, high: number, limit: number): Promise<Message[]> {
    // Most pages lie in the branch itself: this asks for them without knowing where it begins or ends.
    const own = (await this.#store.newest(branchId, high, limit)).reverse()
    if (own.length === limit) return own.map(messageOf)
    const fork = await this.find(branchId)
    if (fork === undefined || fork.forkBranchId === null) return own.map(messageOf)
    const end = Math.min(fork.forkPosition, high)
    const older = await this.#rows(fork.forkBranchId, end - (limit - own.length) + 1, end)
    return [...older, ...own].map(messageOf)
  }

  async #rows(branchId: string, low: number, high: number): Promise<MessageRow[]> {
    return this.#store.stretches(await this.#stretches(branchId, low, high))
  }

  /** Which branches' own messages make up a range of a branch's history. */
  async #stretches(branchId: string, low: number, high: number): Promise<Stretch[]> {
    const stretches: Stretch[] = []
    let end = Math.min(high, POSITION_MAX)
    let next: string | null = branchId
    while (next !== null && end >= low && end > 0) {
      const fork: Fork | undefined = await this.find(next)
      if (fork === undefined) break
      const begin = Math.max(fork.forkPosition + 1, low, 1)
      if (begin <= end) stretches.push({ branchId: fork.id, low: begin, high: end })
      end = Math.min(end, fork.forkPosition)
      next = fork.forkBranchId
    }
    return stretches
  }
}
