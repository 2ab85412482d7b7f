import { z } from 'zod'
import { AccountId, PersonId } from './accounts.ts'
import { Content, Id, Timestamp } from './text.ts'

export const ChatId = Id.meta({ description: 'A chat.' })
export const MessageId = Id.meta({ description: 'A message.' })
export const BranchId = Id.meta({ description: "A branch. A chat's root branch has the chat's own id." })
/** Counts a chat's events from 1, without gaps. */
export const Seq = z.int().nonnegative()
/** Counts the messages of a branch's history from 1, without gaps; 0 is before the first. */
export const Position = z.int().nonnegative()

const oneLine = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'Use one line of well-formed text.')

export const Title = oneLine(100).meta({ description: 'One line, 1 to 100 characters.', examples: ['Trip to Lisbon'] })

/** The name of a branch: longer than a title, so that `Branch of …` has room for one. */
export const BranchName = oneLine(200).meta({
  description: 'One line, 1 to 200 characters.',
  examples: ['What if by train'],
})

const JsonValue = z.json()
// By the registry, since `.meta` would name a copy: the original refers to itself.
z.globalRegistry.add(JsonValue, { id: 'JsonValue' })

// How JSON writes what no text may have: after a backslash that is not itself one of the text.
const ESCAPED_NUL = /(?<!\\)(?:\\\\)*\\u0000/
const ESCAPED_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

/** Data of the embedding product's own, at most 8 KiB of JSON. */
export const Metadata = z
  .record(z.string(), JsonValue)
  .refine((data) => JSON.stringify(data).length <= 8192, 'Metadata is at most 8 KiB of JSON.')
  .refine((data) => !ESCAPED_NUL.test(JSON.stringify(data)), 'Metadata must not contain NUL characters.')
  .refine((data) => !ESCAPED_SURROGATE.test(JSON.stringify(data)), 'Use well-formed Unicode.')
  .meta({
    id: 'Metadata',
    description: "Data of the embedding product's own: an object of at most 8 KiB of JSON.",
    examples: [{ topic: 'travel' }],
  })
export type Metadata = z.infer<typeof Metadata>

export const SenderType = z.enum(['user', 'assistant', 'agent', 'system'])
export type SenderType = z.infer<typeof SenderType>

export const MessageStatus = z.enum(['pending', 'processing', 'completed', 'stopped', 'failed'])
export type MessageStatus = z.infer<typeof MessageStatus>

const chatId = '0198f3a0-5c1e-7a4b-9d2e-3f6a7b8c9d0e'
const messageId = '0198f3a1-77d2-7c10-8a55-6b1f0e2d4c3a'
const accountId = '0198f39f-1b0a-7f31-b6c4-90a1d2e3f4b5'
const time = '2026-01-31T12:00:00.000Z'

/** One person's reaction to a message: `like`, `dislike`, or any emoji. */
export const Reaction = z
  .object({ user_id: PersonId, reaction_type: z.string(), created_at: Timestamp })
  .meta({ id: 'Reaction', examples: [{ user_id: accountId, reaction_type: 'like', created_at: time }] })
export type Reaction = z.infer<typeof Reaction>

/** As many sources of one answer are kept, and so many UTF-16 code units of each one's parts. */
export const SOURCES_MAX = 100
export const SOURCE_MAX = { title: 1000, url: 4096, content: 32_768 }

/** What an answer is based on. */
export const Source = z
  .object({
    id: Id,
    message_id: MessageId,
    title: z.string(),
    url: z.string().optional(),
    content: z.string().optional(),
    created_at: Timestamp,
  })
  .meta({ id: 'Source' })
export type Source = z.infer<typeof Source>

export const FileReference = z
  .object({
    id: Id,
    name: z.string(),
    file_type: z.enum(['text', 'image', 'pdf', 'word', 'excel', 'other']),
    preview_url: z.string().optional(),
  })
  .meta({ id: 'FileReference' })
export type FileReference = z.infer<typeof FileReference>

/** What a message refers to that is kept elsewhere. */
export const Attachment = z
  .object({
    id: Id,
    url: z.string().meta({ description: 'http(s).' }),
    name: z.string(),
    type: z
      .string()
      .nullable()
      .meta({ description: 'Its media type, as the sender says.', examples: ['image/png'] }),
    size: z.int().nonnegative().nullable().meta({ description: 'In bytes, as the sender says.' }),
    sender_id: z.string().nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'Attachment' })
export type Attachment = z.infer<typeof Attachment>

export const exampleMessage = {
  id: messageId,
  chat_id: chatId,
  branch_id: chatId,
  position: 1,
  seq: 3,
  message_type: 'user' as const,
  sender_type: 'user' as const,
  sender_id: accountId,
  content: 'Hello there!',
  status: 'completed' as const,
  metadata: {},
  client_id: null,
  created_at: time,
  updated_at: time,
  edited_at: null,
  deleted_at: null,
  reactions: [],
  sources: [],
  files: [],
  attachments: [],
}

export const Message = z
  .object({
    id: MessageId,
    chat_id: ChatId,
    branch_id: BranchId.meta({ description: 'The branch that it was written in.' }),
    position: Position,
    seq: Seq,
    message_type: z.enum(['user', 'ai', 'system']),
    sender_type: SenderType,
    sender_id: z.string().nullable(),
    content: z.string().meta({ description: 'Empty once the message is deleted.' }),
    status: MessageStatus,
    metadata: Metadata,
    client_id: Id.nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
    edited_at: Timestamp.nullable(),
    deleted_at: Timestamp.nullable(),
    reactions: z.array(Reaction),
    sources: z.array(Source),
    files: z.array(FileReference),
    attachments: z.array(Attachment),
  })
  .meta({ id: 'Message', description: 'A message of a chat.', examples: [exampleMessage] })
export type Message = z.infer<typeof Message>

export const exampleChat = {
  id: chatId,
  title: 'Trip to Lisbon',
  user_id: accountId,
  active_branch_id: chatId,
  last_seq: 3,
  metadata: {},
  created_at: time,
  updated_at: time,
  archived_at: null,
  deleted_at: null,
}

export const Chat = z
  .object({
    id: ChatId,
    title: z.string(),
    user_id: AccountId.nullable(),
    active_branch_id: BranchId.meta({ description: 'The branch that posts go to which name none.' }),
    last_seq: Seq.meta({ description: "The number of the chat's newest event." }),
    metadata: Metadata,
    created_at: Timestamp,
    updated_at: Timestamp,
    archived_at: Timestamp.nullable(),
    deleted_at: Timestamp.nullable(),
  })
  .meta({ id: 'Chat', description: 'A chat.', examples: [exampleChat] })
export type Chat = z.infer<typeof Chat>

export const exampleBranch = {
  id: '0198f3a2-0d4e-7b8f-9c11-5e6f7a8b9c0d',
  chat_id: chatId,
  name: 'What if by train',
  parent_branch_id: chatId,
  fork_branch_id: chatId,
  fork_position: 1,
  created_by: accountId,
  created_at: time,
}

export const Branch = z
  .object({
    id: BranchId,
    chat_id: ChatId,
    name: z.string().nullable(),
    parent_branch_id: BranchId.nullable().meta({ description: 'The branch it was made from; null for the root.' }),
    fork_branch_id: BranchId.nullable().meta({
      description: 'The branch that the message it forks at was written in.',
    }),
    fork_position: Position.meta({
      description: "Its history is the parent's up to and with this position, then its own.",
    }),
    created_by: z.string().nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'Branch', description: 'A line of history in a chat.', examples: [exampleBranch] })
export type Branch = z.infer<typeof Branch>

export const FileIds = z
  .array(Id)
  .max(10)
  .refine((ids) => new Set(ids).size === ids.length, 'Each file once.')
  .nullish()
  .meta({ description: "Files of the account's own that the message shows, in this order." })

/** Posting the same `client_id` again returns the first message; with another content it is refused. */
export const NewMessage = z
  .object({
    content: Content,
    client_id: Id.optional().meta({ description: "The sender's own id of it, so that it is stored once." }),
    branch_id: BranchId.optional().meta({ description: 'The active branch where it is left out.' }),
    metadata: Metadata.optional(),
  })
  .meta({ id: 'NewMessage', examples: [{ content: 'Hello there!' }] })
export type NewMessage = z.infer<typeof NewMessage>

export const NewChat = z
  .object({ title: Title, metadata: Metadata.optional() })
  .meta({ id: 'NewChat', examples: [{ title: 'Trip to Lisbon' }] })
export type NewChat = z.infer<typeof NewChat>
