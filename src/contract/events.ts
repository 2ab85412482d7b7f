import { z } from 'zod'
import { AccountId } from './accounts.ts'
import { Branch, BranchId, Chat, ChatId, Message, MessageId, Position, Reaction, Seq } from './chats.ts'
import { Timestamp } from './text.ts'

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
    }).extend({
      created_at: Timestamp.optional().meta({ description: "Left out where it is the event's own `at`." }),
    }).shape,
  ),
  event('message.edited', { message_id: MessageId, content: z.string(), edited_at: Timestamp }),
  event('message.deleted', { message_id: MessageId, deleted_at: Timestamp }),
  event('reaction.added', { message_id: MessageId, ...Reaction.shape }),
  event('reaction.removed', { message_id: MessageId, user_id: AccountId, reaction_type: z.string() }),
  event('branch.created', Branch.shape),
  event('branch.renamed', { branch_id: BranchId, name: z.string().nullable() }),
  event('branch.activated', { branch_id: BranchId }),
  event('read.moved', { user_id: AccountId, position: Position, branch_id: BranchId }),
])
export type ChatEvent = z.infer<typeof ChatEvent>
export type ChatEventType = ChatEvent['type']
