import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import { deadlines } from '../../db/deadline.ts'
import type { Database } from '../../db/open.ts'
import { chat_answering } from '../../db/schema.ts'
import type { Actor } from '../accounts/actor.ts'
import { assertStanding, type Transaction } from '../accounts/transaction-store.ts'
import type { ImportBatch, ImportBatches, ImportedChat } from './import-batches.ts'

/** A whole import: the largest document takes some seconds. */
const IMPORT_MS = 120_000

/** A chat with all that is in it, and the time of its coming. */
export type WholeChat = { chat: ImportedChat; at: string; parts: ImportBatches }

/** Writes a chat that comes whole, in one transaction: all of it or nothing. */
export class ImportStore {
  readonly #database: Database
  readonly #within = deadlines({ deadlineMs: IMPORT_MS })

  constructor(database: Database) {
    this.#database = database
  }

  async insert(actor: Actor, whole: WholeChat): Promise<void> {
    const insert = async (transaction: Transaction) => {
      await assertStanding(transaction, actor)
      await insertWhole(transaction, whole)
    }
    // Not on a connection that posts wait for, where there is more than one.
    await this.#within(() => this.#database.patiently((connection) => drizzle(connection).transaction(insert)))
  }
}

export async function insertWhole(transaction: Transaction, { chat, at, parts }: WholeChat): Promise<void> {
  let isFirst = true
  for (const batch of parts.batches()) {
    if (isFirst) await insertChat(transaction, chat, at, batch)
    else await insertBranches(transaction, chat.id, batch.branches)
    if (isFirst && parts.answering !== undefined) {
      await transaction.insert(chat_answering).values({ chat_id: chat.id, ...parts.answering })
    }
    isFirst = false
    await insertMessages(transaction, chat.id, batch.messages)
    await insertExtensions(transaction, batch.extensions)
    await insertSources(transaction, batch.sources)
    await insertAnswers(transaction, chat.id, at, batch.answers)
    await insertEvents(transaction, batch.events)
  }
  await transaction.execute(sql`
    UPDATE chats SET last_seq = ${parts.lastSeq}, active_branch_id = ${chat.active_branch_id},
      branch_count = (SELECT count(*) FROM branches WHERE chat_id = ${chat.id})
    WHERE id = ${chat.id}`)
}

/** The chat, with the root as its active branch, and the first branches: the chat and its root name each other. */
async function insertChat(
  transaction: Transaction,
  chat: ImportedChat,
  at: string,
  { branches }: ImportBatch,
): Promise<void> {
  const { id, title, user_id, metadata, created_at, archived_at } = chat
  await transaction.execute(sql`
    WITH chat AS (
      INSERT INTO chats (id, title, owner_id, metadata, active_branch_id, created_at, updated_at, archived_at)
      VALUES (${id}, ${title}, ${user_id}, ${JSON.stringify(metadata)}::jsonb, ${id}, ${created_at}, ${at},
        ${archived_at}))
    ${branchInsert(id, branches)}`)
}

async function insertBranches(
  transaction: Transaction,
  chatId: string,
  branches: ImportBatch['branches'],
): Promise<void> {
  if (branches.length > 0) await transaction.execute(branchInsert(chatId, branches))
}

function branchInsert(chatId: string, branches: ImportBatch['branches']) {
  return sql`
    INSERT INTO branches (id, chat_id, name, parent_branch_id, fork_branch_id, fork_position, head, created_by,
      created_at)
    SELECT id, ${chatId}::uuid, name, parent, fork, fork_position, head, created_by, created_at FROM unnest(
      ${list(branches, ({ id }) => id)}::uuid[],
      ${list(branches, ({ name }) => name)}::text[],
      ${list(branches, (branch) => branch.parent_branch_id)}::uuid[],
      ${list(branches, (branch) => branch.fork_branch_id)}::uuid[],
      ${list(branches, (branch) => branch.fork_position)}::integer[],
      ${list(branches, ({ head }) => head)}::integer[],
      ${list(branches, (branch) => branch.created_by)}::text[],
      ${list(branches, (branch) => branch.created_at)}::text[]::timestamptz[]
    ) AS new(id, name, parent, fork, fork_position, head, created_by, created_at)`
}

async function insertMessages(
  transaction: Transaction,
  chatId: string,
  messages: ImportBatch['messages'],
): Promise<void> {
  if (messages.length === 0) return
  await transaction.execute(sql`
    INSERT INTO messages (chat_id, id, branch_id, position, seq, sender_type, sender_id, content, status, metadata,
      extended, created_at, edited_at, deleted_at)
    SELECT ${chatId}::uuid, new.* FROM unnest(
      ${list(messages, ({ id }) => id)}::uuid[],
      ${list(messages, (message) => message.branch_id)}::uuid[],
      ${list(messages, ({ position }) => position)}::integer[],
      ${list(messages, ({ seq }) => seq)}::bigint[],
      ${list(messages, (message) => message.sender_type)}::text[],
      ${list(messages, (message) => message.sender_id)}::text[],
      ${list(messages, ({ content }) => content)}::text[],
      ${list(messages, ({ status }) => status)}::text[],
      ${list(messages, ({ metadata }) => JSON.stringify(metadata))}::text[]::jsonb[],
      ${list(messages, ({ extended }) => String(extended))}::text[]::boolean[],
      ${list(messages, (message) => message.created_at)}::text[]::timestamptz[],
      ${list(messages, (message) => message.edited_at)}::text[]::timestamptz[],
      ${list(messages, (message) => message.deleted_at)}::text[]::timestamptz[]) AS new`)
}

async function insertExtensions(transaction: Transaction, extensions: ImportBatch['extensions']): Promise<void> {
  if (extensions.length === 0) return
  await transaction.execute(sql`
    INSERT INTO message_extensions (id, message_id, type, sender_id, data, created_at)
    SELECT * FROM unnest(
      ${list(extensions, ({ id }) => id)}::uuid[],
      ${list(extensions, (extension) => extension.message_id)}::uuid[],
      ${list(extensions, ({ type }) => type)}::text[],
      ${list(extensions, (extension) => extension.sender_id)}::text[],
      ${list(extensions, ({ data }) => JSON.stringify(data))}::text[]::jsonb[],
      ${list(extensions, (extension) => extension.created_at)}::text[]::timestamptz[])`)
}

async function insertSources(transaction: Transaction, sources: ImportBatch['sources']): Promise<void> {
  if (sources.length === 0) return
  await transaction.execute(sql`
    INSERT INTO sources (id, message_id, position, title, url, content, created_at)
    SELECT * FROM unnest(
      ${list(sources, ({ id }) => id)}::uuid[],
      ${list(sources, (source) => source.message_id)}::uuid[],
      ${list(sources, ({ position }) => position)}::integer[],
      ${list(sources, ({ title }) => title)}::text[],
      ${list(sources, ({ url }) => url ?? null)}::text[],
      ${list(sources, ({ content }) => content ?? null)}::text[],
      ${list(sources, (source) => source.created_at)}::text[]::timestamptz[])`)
}

/** Runs that have ended, `at` the latest: an answer without one is nobody's to continue or to make once more. */
async function insertAnswers(
  transaction: Transaction,
  chatId: string,
  at: string,
  answers: ImportBatch['answers'],
): Promise<void> {
  if (answers.length === 0) return
  await transaction.execute(sql`
    INSERT INTO answers (chat_id, lease_until, id, message_id, branch_id, question_id, provider, status, usage, error,
      created_at, ended_at)
    SELECT ${chatId}::uuid, ${at}::timestamptz, new.*, ${at}::timestamptz FROM unnest(
      ${list(answers, ({ id }) => id)}::uuid[],
      ${list(answers, ({ message }) => message.id)}::uuid[],
      ${list(answers, ({ message }) => message.branch_id)}::uuid[],
      ${list(answers, (answer) => answer.question_id)}::uuid[],
      ${list(answers, ({ answerer }) => answerer)}::text[],
      ${list(answers, ({ message }) => message.status)}::text[],
      ${list(answers, ({ usage }) => (usage === null ? null : JSON.stringify(usage)))}::text[]::jsonb[],
      ${list(answers, ({ error }) => error)}::text[],
      ${list(answers, ({ message }) => message.created_at)}::text[]::timestamptz[]) AS new`)
}

async function insertEvents(transaction: Transaction, events: ImportBatch['events']): Promise<void> {
  await transaction.execute(sql`
    INSERT INTO events (chat_id, seq, type, data, at)
    SELECT * FROM unnest(
      ${list(events, ({ chatId }) => chatId)}::uuid[],
      ${list(events, ({ seq }) => seq)}::bigint[],
      ${list(events, ({ type }) => type)}::text[],
      ${list(events, ({ data }) => data)}::text[]::json[],
      ${list(events, ({ at }) => at)}::text[]::timestamptz[])`)
}

/** One parameter for a column of many rows. */
function list<Row, Value>(rows: readonly Row[], column: (row: Row) => Value) {
  return sql.param(rows.map(column))
}
