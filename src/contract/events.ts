import { z } from 'zod'
import { PersonId } from './accounts.ts'
import { ToldAnswering } from './answering.ts'
import {
  Attachment,
  Branch,
  BranchId,
  Chat,
  ChatId,
  FileReference,
  Message,
  MessageId,
  Position,
  Reaction,
  Seq,
  Source,
} from './chats.ts'
import { SupportState } from './support.ts'
import { Id, Timestamp } from './text.ts'

/** What the model counted. */
export const AnswerUsage = z.object({ input_tokens: z.int().nonnegative(), output_tokens: z.int().nonnegative() })

const event = <T extends string, D extends z.ZodRawShape>(type: T, shape: D) =>
  z.object({ chat_id: ChatId, seq: Seq, at: Timestamp, type: z.literal(type), data: z.object(shape) })

/**
 * One change of a chat. A chat's state is what its events, applied by `seq`, make of an empty one; replaying them and
 * reading it afresh give the same.
 */
export const ChatEvent = z.discriminatedUnion('type', [
  event('chat.created', Chat.omit({ last_seq: true, updated_at: true }).shape),
  event('chat.updated', Chat.pick({ title: true, metadata: true, archived_at: true }).partial().shape),
  event('chat.deleted', { deleted_at: Timestamp }),
  event('chat.restored', {}),
  event(
    'message.created',
    Message.omit({
      seq: true,
      updated_at: true,
      edited_at: true,
      deleted_at: true,
      reactions: true,
      sources: true,
      files: true,
      attachments: true,
    }).extend({
      files: z.array(FileReference).optional().meta({ description: 'Left out where it has none.' }),
      sources: z.array(Source).optional().meta({ description: 'There where an answer came whole, with its chat.' }),
      created_at: Timestamp.optional().meta({ description: "Left out where it is the event's own `at`." }),
      number: z.int().positive().optional().meta({
        description:
          "What the Desk API calls the message's id. Left out in a chat that came whole: it is no desk session.",
      }),
    }).shape,
  ),
  event('message.edited', { message_id: MessageId, content: z.string(), edited_at: Timestamp }),
  event('message.deleted', { message_id: MessageId, deleted_at: Timestamp }),
  event('file.processed', {
    message_id: MessageId,
    file_id: Id,
    state: z.enum(['ready', 'failed']),
    preview_url: z.string().nullable(),
    reason: z.string().nullable().meta({ description: 'Why there is no text or preview, for people.' }),
  }),
  event('file.attached', { message_id: MessageId, file: FileReference }),
  event('file.detached', { message_id: MessageId, file_id: Id }),
  event('attachment.added', { message_id: MessageId, attachment: Attachment }),
  event('attachment.removed', { message_id: MessageId, attachment_id: Id }),
  event('reaction.added', { message_id: MessageId, ...Reaction.shape }),
  event('reaction.removed', { message_id: MessageId, user_id: PersonId, reaction_type: z.string() }),
  event('branch.created', Branch.shape),
  event('branch.renamed', { branch_id: BranchId, name: z.string().nullable() }),
  event('branch.activated', { branch_id: BranchId }),
  event('answering.changed', ToldAnswering.shape),
  event('answer.queued', {
    message_id: MessageId,
    answer_id: Id.meta({ description: 'The run that waits: one that had ended goes on, or is tried again.' }),
  }),
  event('answer.started', {
    message_id: MessageId,
    answer_id: Id.meta({ description: 'This run: a message that is continued, or tried again, has several.' }),
    provider: z.string(),
    offset: z.int().nonnegative().meta({
      description: 'UTF-16 code units of the message that stay: the answer goes on after those.',
    }),
  }),
  event('answer.ended', {
    message_id: MessageId,
    answer_id: Id,
    status: z.enum(['completed', 'stopped', 'failed']),
    content: z.string().meta({ description: 'All that the message says now.' }),
    sources: z.array(Source),
    usage: AnswerUsage.nullable(),
    error: z.string().nullable().meta({ description: 'Why it failed, for a person to read.' }),
    created_at: Timestamp.meta({ description: "The message's own." }),
    number: z.int().positive().meta({ description: "What the Desk API calls the message's id." }),
  }),
  event('support.updated', SupportState.shape),
  event('read.moved', { user_id: PersonId, position: Position, branch_id: BranchId }),
])
export type ChatEvent = z.infer<typeof ChatEvent>
export type ChatEventType = ChatEvent['type']
