import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { Metadata } from '../contract/chats.ts'

// Ids are uuid v7, made by the app (`Bun.randomUUIDv7()`). Times have the wire's milliseconds. Words of a fixed set are
// text with a CHECK: adding one is a quick migration, where an enum type cannot lose a word again.

const id = () => uuid().primaryKey()
const time = () => timestamp({ withTimezone: true, precision: 3, mode: 'string' })
const now = () => time().notNull().default(sql`now()`)
const jsonObject = () => jsonb().$type<Metadata>().notNull().default({})

export const ROLES = ['user', 'agent', 'admin'] as const
export const SENDER_TYPES = ['user', 'assistant', 'agent', 'system'] as const
/** Of an answer's message; any other message is `completed` from the start. */
export const MESSAGE_STATUSES = ['pending', 'processing', 'completed', 'stopped', 'failed'] as const
export const FILE_TYPES = ['text', 'image', 'pdf', 'word', 'excel', 'other'] as const
/** Of making a file's text and preview. */
export const FILE_STATES = ['pending', 'processing', 'ready', 'failed'] as const
export const SUPPORT_STATUSES = ['active', 'transferred', 'ended'] as const
/** Who answers in a support session: the answerer, or a person; nobody any more, once it has ended. */
export const HANDLINGS = ['assistant', 'people', 'ended'] as const
/** Who may answer: the adapters that there are. */
export const ANSWERERS = ['callback', 'openai', 'demo'] as const
export const EXTENSION_TYPES = ['attachment', 'reaction', 'edit'] as const

/** `column IN ('a', 'b')`, of words that are constants of this file. */
function oneOf(column: AnyPgColumn, words: readonly string[]) {
  return sql`${column} IN (${sql.raw(words.map((word) => `'${word}'`).join(', '))})`
}

/** Who can sign in. */
export const users = pgTable(
  'users',
  {
    id: id(),
    email: text().notNull(),
    username: text().notNull(),
    /** Not set for an account of an external issuer: it cannot sign in with a password. */
    password_hash: text(),
    full_name: text(),
    role: text({ enum: ROLES }).notNull().default('user'),
    is_active: boolean().notNull().default(true),
    /** `iss` and `sub` of the external tokens that this account signs in with. */
    issuer: text(),
    subject: text(),
    created_at: now(),
    updated_at: now(),
  },
  (t) => [
    uniqueIndex('users_email_key').on(sql`lower(${t.email})`),
    uniqueIndex('users_username_key').on(sql`lower(${t.username})`),
    unique('users_issuer_subject_key').on(t.issuer, t.subject),
    check('users_role_check', oneOf(t.role, ROLES)),
    check('users_external_check', sql`(${t.issuer} IS NULL) = (${t.subject} IS NULL)`),
  ],
)

/**
 * Each time that somebody signed in: one device or browser. Its access tokens name it, so that ending it ends them all.
 */
export const logins = pgTable(
  'logins',
  {
    id: id(),
    user_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    created_at: now(),
    expires_at: time().notNull(),
    revoked_at: time(),
  },
  (t) => [index('logins_user_id_index').on(t.user_id), index('logins_expires_at_index').on(t.expires_at)],
)

/** Each refresh makes a new token of the same login; a used one that comes again ends the login. */
export const refresh_tokens = pgTable(
  'refresh_tokens',
  {
    id: id(),
    login_id: uuid()
      .notNull()
      .references(() => logins.id, { onDelete: 'cascade' }),
    /** SHA-256 of the token, hexadecimal: the token itself is kept nowhere. */
    hash: text().notNull().unique('refresh_tokens_hash_key'),
    created_at: now(),
    expires_at: time().notNull(),
    used_at: time(),
  },
  (t) => [
    index('refresh_tokens_login_id_index').on(t.login_id),
    index('refresh_tokens_expires_at_index').on(t.expires_at),
  ],
)

/**
 * Whose visitor tokens were revoked, and with which number: see `VisitorStore`. No one is here longer than a token that was
 * revoked might have lived.
 */
export const visitor_revocations = pgTable(
  'visitor_revocations',
  {
    user_id: text().primaryKey(),
    /** All revocations are counted through. */
    generation: bigint({ mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    revoked_at: now(),
  },
  (t) => [index('visitor_revocations_revoked_at_index').on(t.revoked_at)],
)

export const chats = pgTable(
  'chats',
  {
    id: id(),
    /** The id that a client of the desk API chose, and whose word that is: `''` for everyone's, on a public API. */
    external_id: text(),
    external_owner: text(),
    title: text().notNull(),
    /** Not set: the chat belongs to no account (a public API made it). */
    owner_id: uuid().references(() => users.id, { onDelete: 'cascade' }),
    metadata: jsonObject(),
    /** Of a support session: whom it is for, who holds it, and who answers. Kept here as well, where each post looks. */
    customer_id: text(),
    agent_id: text(),
    handling: text({ enum: HANDLINGS }),
    active_branch_id: uuid().notNull(),
    /** The `seq` of the chat's newest event. Whoever appends locks this row. */
    last_seq: bigint({ mode: 'number' }).notNull().default(0),
    /** Whoever makes one locks this row first: they are bounded, and counting them would take longer the more there are. */
    branch_count: integer().notNull().default(1),
    created_at: now(),
    updated_at: now(),
    /**
     * The hour of `updated_at`: lists go along its index and sort within an hour. An index of `updated_at` itself would be
     * written with each post, and so would every other index of the table.
     */
    updated_hour: time().notNull().generatedAlwaysAs(sql`date_bin('1 hour', updated_at, 'epoch')`),
    archived_at: time(),
    deleted_at: time(),
  },
  (t) => [
    foreignKey({
      name: 'chats_active_branch_fkey',
      columns: [t.id, t.active_branch_id],
      foreignColumns: [branches.chat_id, branches.id],
    }),
    // Unlike each other for one owner alone: nobody is told what ids somebody else has.
    unique('chats_external_id_key').on(t.external_owner, t.external_id),
    index('chats_external_created_index')
      .on(t.external_owner, t.created_at, t.id)
      .where(sql`${t.external_id} IS NOT NULL AND ${t.deleted_at} IS NULL`),
    check('chats_external_check', sql`(${t.external_id} IS NULL) = (${t.external_owner} IS NULL)`),
    // Few of all chats are deleted, and they go in the end.
    index('chats_deleted_index').on(t.deleted_at).where(sql`${t.deleted_at} IS NOT NULL`),
    index('chats_owner_updated_index').on(t.owner_id, t.updated_hour).where(sql`${t.deleted_at} IS NULL`),
    check('chats_handling_check', oneOf(t.handling, HANDLINGS)),
    check('chats_customer_check', sql`(${t.customer_id} IS NULL) = (${t.handling} IS NULL)`),
    check('chats_last_seq_check', sql`${t.last_seq} >= 0`),
  ],
)

/**
 * A line of history: its own messages, and before them those of the branch it forks from, up to the fork. Positions count
 * the messages of such a history from 1. The root branch has the id of its chat.
 */
export const branches = pgTable(
  'branches',
  {
    id: id(),
    chat_id: uuid()
      .notNull()
      .references((): AnyPgColumn => chats.id, { onDelete: 'cascade' }),
    /** The branch that it was made from, as a person sees it. Not set for the root branch. */
    parent_branch_id: uuid(),
    /** The branch that the message it forks at was written in: the parent or one of its own ancestors. */
    fork_branch_id: uuid(),
    /** The position of the last message that it shares with that branch; 0 when they share none. */
    fork_position: integer().notNull().default(0),
    /** The position of the newest message. Whoever posts locks the chat first. */
    head: integer().notNull().default(0),
    name: text(),
    /** Who made it: an account's id, or the embedding product's own word for a person. */
    created_by: text(),
    created_at: now(),
  },
  (t) => [
    unique('branches_chat_id_id_key').on(t.chat_id, t.id),
    // A parent is of the same chat.
    foreignKey({
      name: 'branches_parent_fkey',
      columns: [t.chat_id, t.parent_branch_id],
      foreignColumns: [t.chat_id, t.id],
    }),
    foreignKey({
      name: 'branches_fork_fkey',
      columns: [t.chat_id, t.fork_branch_id],
      foreignColumns: [t.chat_id, t.id],
    }),
    index('branches_parent_index').on(t.parent_branch_id),
    index('branches_fork_index').on(t.fork_branch_id, t.fork_position),
    check('branches_root_check', sql`(${t.parent_branch_id} IS NULL) = (${t.id} = ${t.chat_id})`),
    check('branches_fork_check', sql`(${t.parent_branch_id} IS NULL) = (${t.fork_branch_id} IS NULL)`),
    check('branches_position_check', sql`${t.fork_position} >= 0 AND ${t.head} >= ${t.fork_position}`),
  ],
)

export const messages = pgTable(
  'messages',
  {
    id: id(),
    /** What the desk API calls its id: it grows, with gaps. */
    number: bigint({ mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    chat_id: uuid().notNull(),
    branch_id: uuid().notNull(),
    /** Dense within its branch's history. A deleted message keeps its place. */
    position: integer().notNull(),
    /** The event that created it. */
    seq: bigint({ mode: 'number' }).notNull(),
    sender_type: text({ enum: SENDER_TYPES }).notNull(),
    /** An account's id, or the embedding product's own word for a person. */
    sender_id: text(),
    content: text().notNull(),
    metadata: jsonObject(),
    status: text({ enum: MESSAGE_STATUSES }).notNull().default('completed'),
    /** The sender's own id of it: posting it again returns the message that is there. */
    client_id: uuid(),
    /** Whether it has rows in message_extensions or sources: most have none, and reads look only then. */
    extended: boolean().notNull().default(false),
    created_at: now(),
    edited_at: time(),
    /** When the newest run of its answer ended. */
    settled_at: time(),
    deleted_at: time(),
  },
  (t) => [
    // No foreign key of the branch, which would look it up anew for each message: whoever writes one holds the chat's row
    // locked and has found the branch in it. With a branch its messages go by the trigger `branches_messages_trigger`.
    unique('messages_branch_position_key').on(t.branch_id, t.position),
    // Of those that have one: most messages would only make it longer.
    uniqueIndex('messages_client_id_key').on(t.chat_id, t.client_id).where(sql`${t.client_id} IS NOT NULL`),
    index('messages_chat_seq_index').on(t.chat_id, t.seq),
    check('messages_position_check', sql`${t.position} > 0`),
    check('messages_sender_type_check', oneOf(t.sender_type, SENDER_TYPES)),
    check('messages_status_check', oneOf(t.status, MESSAGE_STATUSES)),
  ],
)

/** What hangs on a message: an attachment, a reaction, or what an edit replaced. */
export const message_extensions = pgTable(
  'message_extensions',
  {
    id: id(),
    message_id: uuid()
      .notNull()
      .references(() => messages.id, { onDelete: 'cascade' }),
    type: text({ enum: EXTENSION_TYPES }).notNull(),
    /** An account's id, or the embedding product's own word for a person. */
    sender_id: text(),
    data: jsonObject(),
    created_at: now(),
  },
  (t) => [
    index('message_extensions_message_index').on(t.message_id, t.type, t.created_at),
    // One like or dislike and one of each emoji for each sender: the service chooses the word under `data.key`.
    uniqueIndex('message_extensions_reaction_key')
      .on(t.message_id, t.sender_id, sql`(${t.data} ->> 'key')`)
      .where(sql`${t.type} = 'reaction'`),
    check('message_extensions_type_check', oneOf(t.type, EXTENSION_TYPES)),
  ],
)

/** Each run of an answerer, which writes one message. A message that is continued or tried again has several. */
export const answers = pgTable(
  'answers',
  {
    id: id(),
    chat_id: uuid().notNull(),
    message_id: uuid()
      .notNull()
      .references(() => messages.id, { onDelete: 'cascade' }),
    /** Of a branch one runs at a time; the others wait, oldest first. */
    branch_id: uuid().notNull(),
    /** The message that is answered. */
    question_id: uuid().notNull(),
    provider: text().notNull(),
    status: text({ enum: MESSAGE_STATUSES }).notNull(),
    attempt: integer().notNull().default(0),
    /** UTF-16 code units that the message said before: the run goes on after those. */
    begun: integer().notNull().default(0),
    /** What the message says by now, while nothing but one process has it; written now and then. */
    said: text(),
    /** Whoever makes it says so before this; past it the answer is whoever's who looks. */
    lease_until: time().notNull(),
    /** Why it failed, for a person to read. */
    error: text(),
    usage: jsonb().$type<{ input_tokens: number; output_tokens: number }>(),
    /** The event that told of its end. */
    ended_seq: bigint({ mode: 'number' }),
    created_at: now(),
    started_at: time(),
    ended_at: time(),
  },
  (t) => [
    index('answers_message_index').on(t.message_id, t.id),
    // Few of all answers run: what looks for those looks into these.
    index('answers_running_chat_index')
      .on(t.chat_id, t.branch_id, t.id)
      .where(sql`${t.status} IN ('pending', 'processing')`),
    index('answers_running_branch_index').on(t.branch_id, t.id).where(sql`${t.status} IN ('pending', 'processing')`),
    index('answers_lease_index').on(t.lease_until).where(sql`${t.status} IN ('pending', 'processing')`),
    check('answers_status_check', oneOf(t.status, MESSAGE_STATUSES)),
  ],
)

/** How a chat is answered, where it says something of it; null is as every other chat. */
export const chat_answering = pgTable(
  'chat_answering',
  {
    chat_id: uuid()
      .primaryKey()
      .references(() => chats.id, { onDelete: 'cascade' }),
    answerer: text({ enum: ANSWERERS }),
    system_prompt: text(),
    history_messages: integer(),
    history_length: integer(),
  },
  (t) => [check('chat_answering_answerer_check', oneOf(t.answerer, ANSWERERS))],
)

/** What an answer is based on, in the order in which it named them. */
export const sources = pgTable(
  'sources',
  {
    id: id(),
    message_id: uuid()
      .notNull()
      .references(() => messages.id, { onDelete: 'cascade' }),
    position: integer().notNull(),
    title: text().notNull(),
    url: text(),
    content: text(),
    created_at: now(),
  },
  (t) => [index('sources_message_index').on(t.message_id, t.position)],
)

/**
 * The log: every change of a chat, written in the change's own transaction. `seq` is gapless for each chat, from 1, and a
 * chat that is removed takes its events along in the same transaction: a foreign key would cost every post a look-up.
 */
export const events = pgTable(
  'events',
  {
    chat_id: uuid().notNull(),
    seq: bigint({ mode: 'number' }).notNull(),
    type: text().notNull(),
    /** As text that is JSON: it is written once and handed out as it is, never looked into. */
    data: json().$type<Record<string, unknown>>().notNull(),
    at: time().notNull(),
  },
  (t) => [
    primaryKey({ name: 'events_pkey', columns: [t.chat_id, t.seq] }),
    // Retention goes by age; rows are written in the order of time, which is what a BRIN index is small for.
    index('events_at_index').using('brin', t.at),
  ],
)

/** A chat that a person handles, or may. People are named by the embedding product's own words, or by accounts' ids. */
export const support_sessions = pgTable(
  'support_sessions',
  {
    chat_id: uuid()
      .primaryKey()
      .references(() => chats.id, { onDelete: 'cascade' }),
    user_id: text().notNull(),
    agent_id: text(),
    status: text({ enum: SUPPORT_STATUSES }).notNull().default('active'),
    metadata: jsonObject(),
    /** Whether an answer that fails asks for a person. */
    hand_over_on_failure: boolean().notNull().default(false),
    /** Since when it is in the queue. */
    waiting_since: time(),
    /** When a person was first asked for, and when the first one answered. */
    asked_at: time(),
    first_reply_at: time(),
    created_at: now(),
    updated_at: now(),
    ended_at: time(),
  },
  (t) => [
    index('support_sessions_user_index').on(t.user_id, t.created_at, t.chat_id),
    // Few of all sessions are open: what looks for those looks into these.
    index('support_sessions_waiting_index').on(t.waiting_since, t.chat_id).where(sql`${t.waiting_since} IS NOT NULL`),
    index('support_sessions_agent_index').on(t.agent_id).where(sql`${t.status} <> 'ended'`),
    index('support_sessions_created_index').on(t.created_at),
    index('support_sessions_ended_index').on(t.ended_at).where(sql`${t.ended_at} IS NOT NULL`),
    check('support_sessions_status_check', oneOf(t.status, SUPPORT_STATUSES)),
    check('support_sessions_ended_check', sql`(${t.status} = 'ended') = (${t.ended_at} IS NOT NULL)`),
    check(
      'support_sessions_waiting_check',
      sql`${t.waiting_since} IS NULL OR (${t.agent_id} IS NULL AND ${t.status} <> 'ended')`,
    ),
  ],
)

/** What an agent has said of itself. One who said nothing takes what is given to it, up to the server's limit. */
export const support_agents = pgTable(
  'support_agents',
  {
    agent_id: text().primaryKey(),
    available: boolean().notNull(),
    /** Sessions at once; the server's where it is not set. */
    session_limit: integer(),
    updated_at: now(),
  },
  (t) => [check('support_agents_limit_check', sql`${t.session_limit} >= 0`)],
)

/**
 * What agents tell each other of a session. They are no messages and have no events: whatever reads a chat or its log, for
 * whomever, cannot come upon them.
 */
export const support_notes = pgTable(
  'support_notes',
  {
    id: id(),
    chat_id: uuid()
      .notNull()
      .references(() => support_sessions.chat_id, { onDelete: 'cascade' }),
    author_id: text(),
    content: text().notNull(),
    created_at: now(),
  },
  (t) => [index('support_notes_chat_index').on(t.chat_id, t.id)],
)

/** How far somebody has read a chat. */
export const read_cursors = pgTable(
  'read_cursors',
  {
    chat_id: uuid()
      .notNull()
      .references(() => chats.id, { onDelete: 'cascade' }),
    /** An account's id, or the embedding product's own word for a person. */
    user_id: text().notNull(),
    branch_id: uuid().notNull(),
    position: integer().notNull(),
    updated_at: now(),
  },
  (t) => [primaryKey({ name: 'read_cursors_pkey', columns: [t.chat_id, t.user_id] })],
)

/** What was uploaded. The bytes are in a blob store under the file's id, a preview's under the id and `-preview`. */
export const files = pgTable(
  'files',
  {
    id: id(),
    owner_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    original_name: text().notNull(),
    mime_type: text().notNull(),
    file_type: text({ enum: FILE_TYPES }).notNull(),
    size: bigint({ mode: 'number' }).notNull(),
    sha256: text().notNull(),
    state: text({ enum: FILE_STATES }).notNull().default('pending'),
    /** Why it failed, or has no text, for people. */
    reason: text(),
    /** The text in it. */
    content: text(),
    has_preview: boolean().notNull().default(false),
    /** Tries at reading it that failed. */
    tries: integer().notNull().default(0),
    created_at: now(),
    updated_at: now(),
    /** Its owner has it no more; it stays for as long as a message has it. */
    deleted_at: time(),
  },
  (t) => [
    index('files_owner_index').on(t.owner_id, t.created_at, t.id),
    index('files_unfinished_index').on(t.updated_at).where(sql`${t.state} IN ('pending', 'processing')`),
    check('files_size_check', sql`${t.size} > 0`),
    check('files_file_type_check', oneOf(t.file_type, FILE_TYPES)),
    check('files_state_check', oneOf(t.state, FILE_STATES)),
  ],
)

/** The files of a message, in order. */
export const message_files = pgTable(
  'message_files',
  {
    message_id: uuid()
      .notNull()
      .references(() => messages.id, { onDelete: 'cascade' }),
    file_id: uuid()
      .notNull()
      .references(() => files.id, { onDelete: 'cascade' }),
    position: integer().notNull(),
    /** Whether the chat's log has told what became of the file: reads show no more than that. */
    told: boolean().notNull().default(false),
    /** Of one that came after the message: who attached it when, and the event that told of it. */
    sender_id: text(),
    created_at: time(),
    seq: bigint({ mode: 'number' }),
  },
  (t) => [
    primaryKey({ name: 'message_files_pkey', columns: [t.message_id, t.file_id] }),
    index('message_files_file_index').on(t.file_id),
  ],
)

/**
 * Blobs that nothing refers to, and when to remove them. A name is put here before its bytes are written and taken out with
 * the commit of its file; a trigger puts it back once the file's row goes. So no crash leaves bytes that nobody knows of.
 */
export const blob_removals = pgTable(
  'blob_removals',
  {
    name: text().primaryKey(),
    due_at: time().notNull(),
    /** Somebody removes the bytes right now: no file can be made of them any more. */
    claimed: boolean().notNull().default(false),
  },
  (t) => [index('blob_removals_due_index').on(t.due_at)],
)
