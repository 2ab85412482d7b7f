import { z } from 'zod'
import { AccountId } from './accounts.ts'
import { Content, Timestamp } from './text.ts'

export const ChatId = z.uuid().meta({ description: 'A chat.' })
export const MessageId = z.uuid().meta({ description: 'A message.' })
export const BranchId = z.uuid().meta({ description: "A branch. A chat's root branch has the chat's own id." })
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

/** Data of the embedding product's own, at most 8 KiB of JSON. */
export const Metadata = z
  .record(z.string(), z.json())
  .refine((data) => JSON.stringify(data).length <= 8192, 'Metadata is at most 8 KiB of JSON.')
  .refine((data) => !JSON.stringify(data).includes('\\u0000'), 'Metadata must not contain NUL characters.')
  .refine(
    (data) => JSON.stringify(data).isWellFormed() && !/\\ud[89a-f]/i.test(JSON.stringify(data)),
    'Use well-formed Unicode.',
  )

export type Metadata = z.infer<typeof Metadata>

export const SenderType = z.enum(['user', 'assistant', 'agent', 'system'])
export type SenderType = z.infer<typeof SenderType>

export const MessageStatus = z.enum(['pending', 'processing', 'completed', 'stopped', 'failed'])
export type MessageStatus = z.infer<typeof MessageStatus>

/** One account's reaction to a message: `like`, `dislike`, or any emoji. */
export const Reaction = z
  .object({ user_id: AccountId, reaction_type: z.string(), created_at: Timestamp })
  .meta({ id: 'Reaction' })
export type Reaction = z.infer<typeof Reaction>

export const Message = z
  .object({
    id: MessageId,
    chat_id: ChatId,
    branch_id: BranchId,
    position: Position,
    seq: Seq,
    message_type: z.enum(['user', 'ai', 'system']),
    sender_type: SenderType,
    sender_id: z.string().nullable(),
    content: z.string().meta({ description: 'Empty once the message is deleted.' }),
    status: MessageStatus,
    metadata: Metadata,
    client_id: z.uuid().nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
    edited_at: Timestamp.nullable(),
    deleted_at: Timestamp.nullable(),
    reactions: z.array(Reaction),
  })
  .meta({ id: 'Message' })
export type Message = z.infer<typeof Message>

export const Chat = z
  .object({
    id: ChatId,
    title: z.string(),
    user_id: AccountId.nullable(),
    active_branch_id: BranchId,
    last_seq: Seq,
    metadata: Metadata,
    created_at: Timestamp,
    updated_at: Timestamp,
    archived_at: Timestamp.nullable(),
    deleted_at: Timestamp.nullable(),
  })
  .meta({ id: 'Chat' })
export type Chat = z.infer<typeof Chat>

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
  .meta({ id: 'Branch' })
export type Branch = z.infer<typeof Branch>

/** Posting the same `client_id` again returns the first message; with another content it is refused. */
export const NewMessage = z.object({
  content: Content,
  client_id: z.uuid().optional(),
  branch_id: BranchId.optional().meta({ description: 'The active branch where it is left out.' }),
  metadata: Metadata.optional(),
})
export type NewMessage = z.infer<typeof NewMessage>

export const NewChat = z.object({ title: Title, metadata: Metadata.optional() })
export type NewChat = z.infer<typeof NewChat>
