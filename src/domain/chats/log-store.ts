import { sql } from 'drizzle-orm'
import type { ChatEvent } from '../../contract/events.ts'
import type { Database } from '../../db/open.ts'
import { chats, events } from '../../db/schema.ts'
import type { Participant } from '../accounts/actor.ts'
import { assertStanding, type Transaction } from '../accounts/transaction-store.ts'
import { type AttachedRow, attach, lockedFiles, referenceOf } from '../files/attachment-store.ts'
import { Refusal } from '../refusal.ts'
import { appendJudged, appendOfVisitors, appendPlain, type Placed, type Post } from './append-store.ts'
import { type ChatRow, isoTime } from './rows.ts'

export type NewEvent = { type: ChatEvent['type']; data: object }
export type LoggedEvent = { chatId: string; seq: number; type: string /** JSON text. */; data: string; at: string }

/** What a change decides once the chat is locked: the events that tell of it, in order, and the caller's answer. */
export type Change<T> = {
  events: NewEvent[]
  result: T /** Reading moves nothing up in a list of chats. */
  quiet?: boolean
}

export class LogStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Commits a batch at once; answers for each post, in order. `tell` is called as soon as it is committed, even where the
   * caller was given up on by then: here, and in the other writes.
   */
  append(posts: readonly Post[], tell: (placed: readonly Placed[]) => void): Promise<Placed[]> {
    return this.#database.within(async () => {
      const ofVisitors = posts.some(({ actor }) => actor.kind === 'visitor')
      const placed = await (ofVisitors ? appendOfVisitors : appendJudged)(this.#database.sql, posts)
      tell(placed)
      return placed
    })
  }

  /** The same, with `appendPlain`. */
  appendPlain(posts: readonly Post[], tell: (placed: readonly Placed[]) => void): Promise<Placed[]> {
    return this.#database.within(async () => {
      const placed = await appendPlain(this.#database.sql, posts)
      tell(placed)
      return placed
    })
  }

  /**
   * Commits one post together with its files, in a transaction of their own. Throws `Refusal('file_missing')` where one is
   * not the actor's.
   */
  appendWithFiles(
    post: Post,
    fileIds: readonly string[],
    tell: (post: Post, placed: Placed) => void,
  ): Promise<{ placed: Placed; files: AttachedRow[] }> {
    return this.#database.within(async () => {
      const outcome = await this.#database.sql.begin(async (handle) => {
        const files = await lockedFiles(handle, post.actor, fileIds)
        const event = `${post.event},"files":${JSON.stringify(files.map(referenceOf))}`
        const whole = { ...post, event }
        const [placed] = await appendJudged(handle, [whole])
        if (placed === undefined) throw new Error('A commit left a post without its outcome.')
        if (placed.outcome === 'created') await attach(handle, placed.messageId, files)
        return { whole, placed, files }
      })
      tell(outcome.whole, outcome.placed)
      return outcome
    })
  }

  /**
   * Any other change of a chat: locks it, lets `decide` read and write in the same transaction, and logs its events. Throws
   * what `decide` throws, with nothing kept.
   */
  change<T>(
    actor: Participant,
    chatId: string,
    decide: (transaction: Transaction, chat: ChatRow, at: string) => Promise<Change<T>>,
    tell: (logged: readonly LoggedEvent[]) => void,
  ): Promise<T> {
    return this.#database.within(async () => {
      const { result, logged } = await this.#database.orm.transaction(async (transaction) => {
        const [chat] = await transaction.select().from(chats).where(sql`${chats.id} = ${chatId}`).for('update')
        if (chat === undefined) throw new Refusal('chat_missing')
        await assertStanding(transaction, actor)
        // Once the chat is locked: the times of a message's edits have the order of the edits.
        const at = new Date().toISOString()
        const { events: news, result, quiet = false } = await decide(transaction, chat, at)
        const logged = news.map(({ type, data }, index) => ({
          chatId,
          seq: chat.last_seq + 1 + index,
          type,
          data: JSON.stringify(data),
          at,
        }))
        if (logged.length > 0) {
          await insertEvents(transaction, logged)
          await transaction
            .update(chats)
            .set({ last_seq: chat.last_seq + logged.length, ...(quiet ? {} : { updated_at: at }) })
            .where(sql`${chats.id} = ${chatId}`)
        }
        return { result, logged }
      })
      tell(logged)
      return result
    })
  }

  /** A new chat's first events, in the transaction that makes it. */
  begin(
    actor: Participant,
    make: (transaction: Transaction, at: string) => Promise<LoggedEvent[]>,
    tell: (logged: readonly LoggedEvent[]) => void,
  ): Promise<void> {
    const at = new Date().toISOString()
    return this.#database.within(async () => {
      const logged = await this.#database.orm.transaction(async (transaction) => {
        await assertStanding(transaction, actor)
        const made = await make(transaction, at)
        await insertEvents(transaction, made)
        return made
      })
      tell(logged)
    })
  }

  /** The events after `after`, oldest first. It has none of those that are older than its retention. */
  async read(chatId: string, after: number, limit: number): Promise<LoggedEvent[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<{ seq: string; type: string; data: string; at: string }[]>`
        SELECT seq, type, data::text AS data, at FROM events
        WHERE chat_id = ${chatId} AND seq > ${after} ORDER BY seq LIMIT ${limit}`,
    )
    return rows.map(({ seq, type, data, at }) => ({ chatId, seq: Number(seq), type, data, at: isoTime(at) }))
  }

  /** The seq of the newest event that there ever was. */
  async last(chatId: string): Promise<number | undefined> {
    const [row] = await this.#database.within(
      () => this.#database.sql<{ last_seq: string }[]>`SELECT last_seq FROM chats WHERE id = ${chatId}`,
    )
    return row && Number(row.last_seq)
  }

  async grown(known: readonly { chatId: string; seq: number }[]): Promise<{ chatId: string; seq: number }[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<{ id: string; last_seq: string }[]>`
        SELECT known.id, chat.last_seq
        FROM unnest(${known.map(({ chatId }) => chatId)}::uuid[], ${known.map(({ seq }) => seq)}::bigint[])
          AS known(id, seq)
        -- OFFSET: one look-up by key for each, whatever the tables were like when the plan was made.
        CROSS JOIN LATERAL (SELECT last_seq FROM chats WHERE id = known.id OFFSET 0) AS chat
        WHERE chat.last_seq > known.seq`,
    )
    return rows.map(({ id, last_seq }) => ({ chatId: id, seq: Number(last_seq) }))
  }

  /** Events committed since, newest last: those of a process that ended before it could tell of them. */
  async recent(seconds: number, limit: number): Promise<LoggedEvent[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<{ chat_id: string; seq: string; type: string; data: string; at: string }[]>`
        SELECT chat_id, seq, type, data::text AS data, at FROM (
          SELECT * FROM events WHERE at > now() - make_interval(secs => ${seconds}) ORDER BY at DESC, seq DESC LIMIT ${limit}
        ) AS newest ORDER BY chat_id, seq`,
    )
    return rows.map((row) => ({ ...row, chatId: row.chat_id, seq: Number(row.seq), at: isoTime(row.at) }))
  }

  /** Forgets events older than this, a bounded number at a time. Resolves to how many. */
  async forget(days: number, limit: number): Promise<number> {
    const rows = await this.#database.within(
      () => this.#database.sql`
        DELETE FROM events WHERE ctid IN (
          SELECT ctid FROM events WHERE at < now() - make_interval(days => ${days}) LIMIT ${limit})`,
    )
    return rows.count
  }
}

async function insertEvents(transaction: Transaction, logged: readonly LoggedEvent[]): Promise<void> {
  await transaction
    .insert(events)
    .values(
      logged.map(({ chatId, seq, type, data, at }) => ({ chat_id: chatId, seq, type, data: sql`${data}::json`, at })),
    )
}
