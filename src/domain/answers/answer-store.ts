import { and, asc, desc, eq, inArray, or, type SQL, sql } from 'drizzle-orm'
import type { Message, MessageStatus, Source } from '../../contract/chats.ts'
import type { Database } from '../../db/open.ts'
import { answers, branches, messages, sources } from '../../db/schema.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { isoTime } from '../chats/rows.ts'
import type { AnswerRef, AnswerUsage } from '../ports.ts'

export type AnswerRow = {
  id: string
  chat_id: string
  message_id: string
  branch_id: string
  question_id: string
  provider: string
  status: MessageStatus
  attempt: number
  /** UTF-16 code units of the message that were there before: the run goes on after those. */
  begun: number
}

export type NewAnswerRow = Omit<AnswerRow, 'attempt'>

/** How a run ends. */
export type AnswerEnd = {
  status: 'completed' | 'stopped' | 'failed'
  content: string
  sources: readonly Source[]
  usage: AnswerUsage | null
  /** Why it failed, for a person to read. */
  error: string | null
  at: string
  /** The event that tells of it. */
  seq: number
}

/** An answer's message, as much as its end tells of. */
export type EndedMessage = { number: number; created_at: string; deleted: boolean }

/** So long after its lease an answer that waits is for other instances, where this one has not its answerer. */
const UNCLAIMED_SECONDS = 60

const RUNNING = ['pending', 'processing'] as const

const COLUMNS = {
  id: answers.id,
  chat_id: answers.chat_id,
  message_id: answers.message_id,
  branch_id: answers.branch_id,
  question_id: answers.question_id,
  provider: answers.provider,
  status: answers.status,
  attempt: answers.attempt,
  begun: answers.begun,
}

/** In the order of the chat's log, and first the one that has not ended: ids are made by the clocks of several instances. */
const NEWEST_RUN = [sql`${answers.ended_seq} DESC NULLS FIRST`, desc(answers.id)]

const leaseUntil = (ms: number) => sql`now() + make_interval(secs => ${ms / 1000})`

/** The runs of answerers. Those that end stay: a message's newest run is the one that counts. */
export class AnswerStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** `leaseMs`: by then somebody runs it, or it is looked at again. */
  async insert(transaction: Transaction, answer: NewAnswerRow, leaseMs: number): Promise<void> {
    await transaction.insert(answers).values({
      ...answer,
      attempt: answer.status === 'processing' ? 1 : 0,
      lease_until: leaseUntil(leaseMs),
      ...(answer.status === 'processing' ? { started_at: sql`now()` } : {}),
    })
  }

  /**
   * Those of a branch that have not ended: first the one that is being made, then those that wait, oldest first. An id is made
   * before the chat is locked, and by the clock of its instance: it does not tell which of two was there first. The chat is
   * locked.
   */
  async runningIn(transaction: Transaction, branchId: string): Promise<AnswerRow[]> {
    return transaction
      .select(COLUMNS)
      .from(answers)
      .where(and(eq(answers.branch_id, branchId), inArray(answers.status, RUNNING)))
      .orderBy(desc(eq(answers.status, 'processing')), asc(answers.id))
  }

  /** Those of all branches. */
  async runningInChat(transaction: Transaction, chatId: string): Promise<AnswerRow[]> {
    return transaction
      .select(COLUMNS)
      .from(answers)
      .where(and(eq(answers.chat_id, chatId), inArray(answers.status, RUNNING)))
      .orderBy(asc(answers.id))
  }

  /** How far a branch of this chat goes; `undefined` where it is none. */
  async headOf(transaction: Transaction, chatId: string, branchId: string): Promise<number | undefined> {
    const [row] = await transaction
      .select({ head: branches.head })
      .from(branches)
      .where(and(eq(branches.id, branchId), eq(branches.chat_id, chatId)))
    return row?.head
  }

  /** Whether its question still stands: one that was deleted says nothing that could be answered. */
  async isAsked(transaction: Transaction, { question_id }: Pick<AnswerRow, 'question_id'>): Promise<boolean> {
    const [question] = await transaction
      .select({ deleted_at: messages.deleted_at })
      .from(messages)
      .where(eq(messages.id, question_id))
    return question?.deleted_at === null
  }

  /** The run begins. The message says what it said before it, and nothing more. */
  async begin(transaction: Transaction, answer: AnswerRow, leaseMs: number): Promise<boolean> {
    const claimed = await transaction
      .update(answers)
      .set({
        status: 'processing',
        attempt: sql`${answers.attempt} + 1`,
        lease_until: leaseUntil(leaseMs),
        started_at: sql`now()`,
      })
      .where(and(eq(answers.id, answer.id), eq(answers.status, 'pending')))
      .returning({ id: answers.id })
    if (claimed.length === 0) return false
    await this.show(transaction, { ...answer, status: 'processing' })
    return true
  }

  /** The message is as its run is, which waits or begins. */
  async show(transaction: Transaction, { message_id, status, begun }: AnswerRow): Promise<void> {
    // Only a run that starts over leaves something out: it is all of it.
    const content = status === 'processing' && begun === 0 ? { content: '' } : {}
    await transaction
      .update(messages)
      .set({ status, ...content })
      .where(eq(messages.id, message_id))
  }

  /** Resolves to `undefined`, with nothing changed, where it has ended already. */
  async end(transaction: Transaction, ref: AnswerRef, end: AnswerEnd): Promise<EndedMessage | undefined> {
    const { status, usage, error, at, seq } = end
    const ended = await transaction
      .update(answers)
      .set({ status, usage, error, said: null, ended_at: at, ended_seq: seq })
      .where(and(eq(answers.id, ref.answerId), inArray(answers.status, RUNNING)))
      .returning({ id: answers.id })
    if (ended.length === 0) return undefined
    const [message] = await transaction
      .update(messages)
      .set({
        content: end.content,
        status,
        settled_at: at,
        ...(end.sources.length > 0 ? { extended: true } : {}),
      })
      .where(eq(messages.id, ref.messageId))
      .returning({ number: messages.number, created_at: messages.created_at, deleted_at: messages.deleted_at })
    if (message === undefined) throw new Error('An answer without its message.')
    await transaction.delete(sources).where(eq(sources.message_id, ref.messageId))
    if (end.sources.length > 0) {
      await transaction.insert(sources).values(end.sources.map((source, position) => ({ ...source, position })))
    }
    return {
      number: message.number,
      created_at: isoTime(message.created_at),
      deleted: message.deleted_at !== null,
    }
  }

  /** What a message says. */
  async textOf(messageId: string): Promise<string> {
    const [row] = await this.#database.within(() =>
      this.#database.orm.select({ content: messages.content }).from(messages).where(eq(messages.id, messageId)),
    )
    return row?.content ?? ''
  }

  /**
   * Keeps what those that are being made say by now. Resolves to the ids of those that it was kept of: one that is being
   * changed at this moment is left out, and not waited for.
   */
  async keepSaid(said: ReadonlyMap<string, string>): Promise<string[]> {
    const rows = await this.#database.within(
      () => this.#database.sql<{ id: string }[]>`
        WITH free AS MATERIALIZED (
          SELECT told.id, told.said FROM unnest(${[...said.keys()]}::uuid[], ${[...said.values()]}::text[]) AS told(id, said)
          CROSS JOIN LATERAL (
            SELECT 1 FROM answers WHERE id = told.id AND status = 'processing' FOR UPDATE SKIP LOCKED
          ) AS answer
        )
        UPDATE answers SET said = free.said FROM free WHERE answers.id = free.id RETURNING answers.id`,
    )
    return rows.map(({ id }) => id)
  }

  /** What was kept of a run; where nothing was, what its message says. */
  async saidBy({ answerId, messageId }: AnswerRef): Promise<string> {
    const [row] = await this.#database.within(() =>
      this.#database.orm.select({ said: answers.said }).from(answers).where(eq(answers.id, answerId)),
    )
    return row?.said ?? this.textOf(messageId)
  }

  async find(answerId: string): Promise<AnswerRow | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm.select(COLUMNS).from(answers).where(eq(answers.id, answerId)),
    )
    return row
  }

  /** A message's newest run. */
  async newestOf(messageId: string): Promise<AnswerRow | undefined> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select(COLUMNS)
        .from(answers)
        .where(eq(answers.message_id, messageId))
        .orderBy(...NEWEST_RUN)
        .limit(1),
    )
    return row
  }

  /** Why a message's newest run failed, for a person to read. */
  async errorOf(messageId: string): Promise<string | null> {
    const [row] = await this.#database.within(() =>
      this.#database.orm
        .select({ error: answers.error })
        .from(answers)
        .where(eq(answers.message_id, messageId))
        .orderBy(...NEWEST_RUN)
        .limit(1),
    )
    return row?.error ?? null
  }

  /** Those of a chat that have not ended, oldest first. */
  async runningOf(chatId: string): Promise<AnswerRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select(COLUMNS)
        .from(answers)
        .where(and(eq(answers.chat_id, chatId), inArray(answers.status, RUNNING)))
        .orderBy(asc(answers.id)),
    )
  }

  /** Those whose producer was not heard of in time. */
  async expired(limit: number): Promise<AnswerRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select(COLUMNS)
        .from(answers)
        .where(and(eq(answers.status, 'processing'), sql`${answers.lease_until} < now()`))
        .orderBy(asc(answers.lease_until))
        .limit(limit),
    )
  }

  /**
   * Those of some answerers that nothing stands in the way of: each is the first of its branch, where none is being made.
   * Oldest first. Also those that have waited for so long that no instance seems to have theirs any more: whoever runs them
   * finds that out.
   */
  async waiting(providers: readonly string[], limit: number): Promise<AnswerRow[]> {
    return this.#database.within(() =>
      this.#database.orm
        .select(COLUMNS)
        .from(answers)
        .where(
          and(
            eq(answers.status, 'pending'),
            or(
              inArray(answers.provider, [...providers]),
              sql`${answers.lease_until} < now() - make_interval(secs => ${UNCLAIMED_SECONDS})`,
            ),
            sql`NOT EXISTS (SELECT FROM answers AS other WHERE other.branch_id = ${answers.branch_id}
              AND other.status IN ('pending', 'processing') AND (other.status = 'processing' OR other.id < ${answers.id}))`,
          ),
        )
        .orderBy(asc(answers.id))
        .limit(limit),
    )
  }

  /** Says that these are still being made, for so long. Resolves to those that are: the others have ended. */
  renew(answerIds: readonly string[], leaseMs: number): Promise<string[]> {
    return this.#renew(answerIds, leaseUntil(leaseMs))
  }

  /** The same, where somebody else may say at the same time that it goes on for longer. */
  keep(answerIds: readonly string[], leaseMs: number): Promise<string[]> {
    return this.#renew(answerIds, sql`GREATEST(${answers.lease_until}, ${leaseUntil(leaseMs)})`)
  }

  async #renew(answerIds: readonly string[], until: SQL): Promise<string[]> {
    const rows = await this.#database.within(() =>
      this.#database.orm
        .update(answers)
        .set({ lease_until: until })
        .where(and(inArray(answers.id, [...answerIds]), eq(answers.status, 'processing')))
        .returning({ id: answers.id }),
    )
    return rows.map(({ id }) => id)
  }
}

export function refOf({ chat_id, message_id, id }: Pick<AnswerRow, 'chat_id' | 'message_id' | 'id'>): AnswerRef {
  return { chatId: chat_id, messageId: message_id, answerId: id }
}

/** Whether a message's answer has not ended. */
export function isRunning({ status }: Pick<Message, 'status'>): boolean {
  return status === 'pending' || status === 'processing'
}
