import type { FileReference } from '../../contract/chats.ts'
import type { ChatEvent } from '../../contract/events.ts'
import type { Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { referenceOf } from '../files/attachment-store.ts'
import type { Bus } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { LEFT, type Placed, type Post } from './append-store.ts'
import { GroupCommit } from './group-commit.ts'
import type { Change, LoggedEvent, LogStore } from './log-store.ts'
import type { ChatRow } from './rows.ts'

/** The bus channel of one chat. A payload is the event's `seq`, a space, and its JSON text. */
export function chatChannel(chatId: string): string {
  return `chat:${chatId}`
}

/** Before a payload that tells something which is not kept: an event's begins with its number. */
export const SIGNAL = '~'

/** The JSON text of a `ChatEvent`. */
export function eventText({ chatId, seq, at, type, data }: LoggedEvent): string {
  return `{"chat_id":"${chatId}","seq":${seq},"at":"${at}","type":"${type}","data":${data}}`
}

/** What one commit takes: its weight is the length of its texts. */
const COMMIT = { rows: 256, weight: 4_194_304, waiting: 10_000 }

/** How far back a starting process tells again what another may have committed and not told any more. */
const RETELL = { seconds: 60, events: 10_000 }

type Appended = Extract<Placed, { messageId: string }>

/** The way of every change of a chat: it is given the chat's next `seq`, committed with its event, then published. */
export class ChatLog {
  readonly #store: LogStore
  readonly #bus: Bus
  readonly #plain: GroupCommit<Post, Placed>
  readonly #judged: GroupCommit<Post, Placed>

  constructor(store: LogStore, bus: Bus) {
    this.#store = store
    this.#bus = bus
    const weigh = (post: Post) => post.content.length + post.event.length
    // Told of a moment later, once the next commit is on its way: see `GroupCommit`.
    const tell = (posts: readonly Post[]) => (placed: readonly Placed[]) =>
      process.nextTick(() => this.#publish(eventsOf(posts, placed)))
    this.#plain = new GroupCommit(COMMIT, weigh, (posts) => this.#store.appendPlain(posts, tell(posts)))
    this.#judged = new GroupCommit(COMMIT, weigh, (posts) => this.#store.append(posts, tell(posts)))
  }

  /** Appends a message, together with all that are posted at this moment. Throws the refusal of its outcome. */
  async append(post: Post): Promise<Appended> {
    const placed = isPlain(post) ? await this.#plain.add(post) : LEFT
    return appendedOf(placed.outcome === 'left' ? await this.#judge(post) : placed)
  }

  async #judge(post: Post): Promise<Placed> {
    const placed = await this.#judged.add(post)
    // The first of them is committed now: this finds it.
    return placed.outcome === 'again' ? this.#judge(post) : placed
  }

  /** Appends a message with files, by itself. */
  async appendWithFiles(post: Post, fileIds: readonly string[]): Promise<{ placed: Appended; files: FileReference[] }> {
    const { placed, files } = await this.#store.appendWithFiles(post, fileIds, (whole, outcome) =>
      this.#publish(eventsOf([whole], [outcome])),
    )
    return { placed: appendedOf(placed), files: files.map(referenceOf) }
  }

  /** Any other change; see `LogStore.change`. */
  change<T>(
    actor: Participant,
    chatId: string,
    decide: (transaction: Transaction, chat: ChatRow, at: string) => Promise<Change<T>>,
  ): Promise<T> {
    return this.#store.change(actor, chatId, decide, (logged) => this.#publish(logged))
  }

  begin(actor: Participant, make: (transaction: Transaction, at: string) => Promise<LoggedEvent[]>): Promise<void> {
    return this.#store.begin(actor, make, (logged) => this.#publish(logged))
  }

  /**
   * The events after `after`, oldest first, at most `limit`. `complete` is false where some of those are forgotten already:
   * the reader then starts again from the chat itself.
   */
  async read(chatId: string, after: number, limit: number): Promise<{ events: LoggedEvent[]; complete: boolean }> {
    const events = await this.#store.read(chatId, after, limit)
    const last = events.at(-1)
    // Also in the middle: events are forgotten by their age, which is not always the order of `seq`.
    if (last !== undefined) return { events, complete: last.seq === after + events.length }
    const newest = await this.#store.last(chatId)
    if (newest === undefined || newest <= after) return { events, complete: newest === after }
    // Forgotten, or committed since the first look: whoever reads at the log's end races with its writers.
    const since = await this.#store.read(chatId, after, limit)
    return { events: since, complete: since.length > 0 && since.at(-1)?.seq === after + since.length }
  }

  /** The `seq` of a chat's newest event; `undefined` where there is no such chat. */
  newest(chatId: string): Promise<number | undefined> {
    return this.#store.last(chatId)
  }

  /** Of these chats those that have events after `seq`, with the newest one's, in no order. */
  grown(known: readonly { chatId: string; seq: number }[]): Promise<{ chatId: string; seq: number }[]> {
    return this.#store.grown(known)
  }

  /** Tells again of the last minute's events, on behalf of a process that died between commit and publishing. */
  async retell(): Promise<void> {
    this.#publish(await this.#store.recent(RETELL.seconds, RETELL.events))
  }

  /** Forgets events older than `days`. Resolves to how many. */
  async retain(days: number): Promise<number> {
    const step = 5000
    let total = 0
    for (let forgotten = step; forgotten === step; total += forgotten) forgotten = await this.#store.forget(days, step)
    return total
  }

  /** The bus only wakes readers up: what it loses, they find in the log. */
  #publish(logged: readonly LoggedEvent[]): void {
    for (const event of logged) {
      this.#bus.publish(chatChannel(event.chatId), `${event.seq} ${eventText(event)}`).catch(() => {})
    }
  }
}

/**
 * Whether nothing but the chat itself has to be looked at: an agent may write to some alone, and is a session's reply; a
 * visitor may have been dismissed.
 */
function isPlain({ branchId, senderType, actor }: Post): boolean {
  if (branchId !== null || senderType === 'agent' || actor.kind === 'visitor') return false
  return !(actor.kind === 'account' && actor.role === 'agent')
}

function appendedOf(placed: Placed): Appended {
  switch (placed.outcome) {
    case 'created':
    case 'known':
      return placed
    case 'again':
    case 'left':
      throw new Error('A post was neither written nor refused.')
    default:
      throw new Refusal(placed.outcome)
  }
}

/** The events of the posts that were written, as the database made them. */
function eventsOf(posts: readonly Post[], outcomes: readonly Placed[]): LoggedEvent[] {
  const logged: LoggedEvent[] = []
  for (const [index, placed] of outcomes.entries()) {
    const post = posts[index]
    if (post === undefined || placed.outcome !== 'created') continue
    const { seq, at, branchId, position, number } = placed
    const data = `${post.event},"branch_id":"${branchId}","position":${position},"number":${number}}`
    logged.push({ chatId: post.chatId, seq, at, type: 'message.created' satisfies ChatEvent['type'], data })
  }
  return logged
}
