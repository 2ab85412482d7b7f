import { z } from 'zod'
import { AskedMessage } from './answers.ts'
import {
  BranchId,
  Chat,
  ChatId,
  exampleChat,
  exampleMessage,
  Message,
  MessageId,
  Metadata,
  Position,
  Seq,
  Title,
} from './chats.ts'
import { ChatEvent } from './events.ts'
import { Content, Timestamp } from './text.ts'

// What is asked of a chat and its messages, and how it is answered. A query's numbers are optional in a URL and have their
// defaults in the schema that the handler parses: Eden would take a default for a field to be given.

/** More of anything than this is not skipped, and no position is greater. */
const PLACE_MAX = 2_000_000_000
/** As many messages of a chat as are read along with it. */
export const CHAT_MESSAGES_MAX = 100

const number = () => z.coerce.number<string | number>().int()
const skip = number().min(0).max(PLACE_MAX)

export const ChatParams = z.object({ chat_id: ChatId })
export const MessageParams = z.object({ chat_id: ChatId, message_id: MessageId })

export const ChatPageQuery = z.object({
  skip: skip.optional().meta({ description: 'How many to leave out from the start; 0 where it is left out.' }),
  limit: number()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'How many at most; 100 where it is left out.', examples: [100] }),
  archived: z.stringbool().optional().meta({ description: 'Those that are archived, instead of those that are not.' }),
})

export const ChatWithMessages = Chat.extend({ messages: z.array(Message) }).meta({
  id: 'ChatWithMessages',
  description: 'A chat with the newest messages of its active branch, oldest first.',
  examples: [{ ...exampleChat, messages: [exampleMessage] }],
})
export type ChatWithMessages = z.infer<typeof ChatWithMessages>

export const ChatPage = z.object({ items: z.array(ChatWithMessages), total: z.int() }).meta({
  id: 'ChatPage',
  description: 'Chats, those that changed last first, each without its messages.',
  examples: [{ items: [{ ...exampleChat, messages: [] }], total: 1 }],
})

export const ChatChange = z
  .object({
    title: Title.optional(),
    metadata: Metadata.optional().meta({ description: 'In place of what is there.' }),
    archived: z.boolean().optional().meta({ description: 'An archived chat is read only and listed apart.' }),
  })
  .meta({ id: 'ChatChange', description: 'What is left out stays as it is.', examples: [{ archived: true }] })

export const MessagePageQuery = ChatPageQuery.pick({ skip: true, limit: true })

export const MessagePage = z.object({ items: z.array(Message), total: z.int() }).meta({
  id: 'MessagePage',
  description: 'Messages of the active branch, oldest first.',
  examples: [{ items: [exampleMessage], total: 1 }],
})
export type MessagePage = z.infer<typeof MessagePage>

/** The documented post. */
export const PostedMessage = AskedMessage.meta({ id: 'PostedMessage', examples: [{ content: 'Hello there!' }] })

export const LikeOrDislike = z
  .object({ reaction_type: z.enum(['like', 'dislike']) })
  .meta({ id: 'LikeOrDislike', examples: [{ reaction_type: 'like' }] })

// biome-ignore lint/complexity/useRegexLiterals: the client is compiled for an older language than what it runs on
const EMOJI = new RegExp('^(?:\\p{RGI_Emoji}|\\p{Extended_Pictographic})$', 'v')

export const ReactionKey = z
  .string()
  .max(64)
  .refine((key) => key === 'like' || key === 'dislike' || EMOJI.test(key), 'Use `like`, `dislike` or one emoji.')
  .meta({ description: '`like`, `dislike` or one emoji.', examples: ['like'] })

export const ReactionParams = MessageParams.extend({ reaction: ReactionKey })

export const MessageChange = z
  .object({ content: Content })
  .meta({ id: 'MessageChange', examples: [{ content: 'Hello there, all!' }] })

export const MessageEdit = z
  .object({
    content: z.string(),
    replaced_at: Timestamp,
    replaced_by: z.string().nullable().meta({ description: 'The account that changed it; null for a back end.' }),
  })
  .meta({
    id: 'MessageEdit',
    description: 'What a message said before it was changed.',
    examples: [{ content: 'Helo there!', replaced_at: exampleChat.created_at, replaced_by: exampleChat.user_id }],
  })

export const ReadCursor = z
  .object({
    branch_id: BranchId,
    position: Position.meta({ description: '0 where nothing was read yet.' }),
    updated_at: Timestamp.nullable(),
  })
  .meta({
    id: 'ReadCursor',
    description: 'How far the account has read.',
    examples: [{ branch_id: exampleChat.id, position: 1, updated_at: exampleChat.updated_at }],
  })
export type ReadCursor = z.infer<typeof ReadCursor>

export const ReadMark = z
  .object({ message_id: MessageId })
  .meta({ id: 'ReadMark', examples: [{ message_id: exampleMessage.id }] })

export const HistoryParams = z.object({ chat_id: ChatId, branch_id: BranchId })

const place = (text: string, min: number) => number().min(min).max(PLACE_MAX).optional().meta({ description: text })

export const HistoryQuery = z
  .object({
    before: place('Those before this position.', 1),
    after: place('Those after this position.', 0),
    around: place('The one at this position and those on both sides.', 1),
    limit: number()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'How many at most; 50 where it is left out.', examples: [50] }),
  })
  .refine(
    (query) => [query.before, query.after, query.around].filter((given) => given !== undefined).length <= 1,
    'Give one of before, after and around.',
  )
export type HistoryQuery = z.infer<typeof HistoryQuery>

export const HistoryPage = z
  .object({
    items: z.array(Message),
    previous: Position.nullable().meta({ description: 'For `before`: the page of older ones; null at the start.' }),
    next: Position.nullable().meta({ description: 'For `after`: the page of newer ones; null at the end.' }),
  })
  .meta({
    id: 'HistoryPage',
    description: "Part of a branch's history, oldest first.",
    examples: [{ items: [exampleMessage], previous: null, next: null }],
  })
export type HistoryPage = z.infer<typeof HistoryPage>

export const EventQuery = z.object({
  after: number()
    .min(0)
    .optional()
    .meta({ description: 'The `seq` that the reader has seen; 0 where it is left out.' }),
  limit: number().min(1).max(1000).optional().meta({ description: 'How many at most; 100 where it is left out.' }),
})

export const EventPage = z
  .object({
    events: z.array(ChatEvent),
    complete: z.boolean().meta({
      description: 'False where events after `after` are forgotten already: start again from the chat itself.',
    }),
    last_seq: Seq.meta({ description: 'The newest event that there is.' }),
  })
  .meta({
    id: 'EventPage',
    description: "A chat's changes, oldest first.",
    examples: [
      {
        events: [
          {
            chat_id: exampleChat.id,
            seq: 4,
            at: exampleChat.created_at,
            type: 'chat.updated',
            data: { title: 'Trip to Porto' },
          },
        ],
        complete: true,
        last_seq: 4,
      },
    ],
  })
export type EventPage = z.infer<typeof EventPage>
