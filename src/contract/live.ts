import { z } from 'zod'
import { PersonId } from './accounts.ts'
import { NO_TOLD_ANSWERING, ToldAnswering } from './answering.ts'
import { AnswerDelta, AnswerSnapshot, AskedMessage } from './answers.ts'
import { DivergingEdit } from './branch-calls.ts'
import { ReadCursor } from './chat-calls.ts'
import {
  Branch,
  Chat,
  ChatId,
  exampleBranch,
  exampleChat,
  exampleMessage,
  Message,
  MessageId,
  Position,
  Seq,
} from './chats.ts'
import { ChatEvent } from './events.ts'
import { FAILURES, Issue, type Reason } from './failures.ts'
import { DeskFrame } from './support-feed.ts'
import { Timestamp } from './text.ts'

/** Chats that one socket may watch at once. */
export const WATCHES_MAX = 500
/** Messages and branches of a snapshot, at most: the newest. */
export const SNAPSHOT_MESSAGES_MAX = 50
export const SNAPSHOT_BRANCHES_MAX = 100
/** People that `presence` names at most. */
export const PRESENT_MAX = 100

const FrameId = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: "The client's own name for the frame: its answer carries it.", examples: ['7'] })

const frame = <T extends string, D extends z.ZodRawShape>(type: T, shape: D) =>
  z.object({ type: z.literal(type), id: FrameId, ...shape })

/** What the client says on the live socket. */
export const LiveClientFrame = z
  .discriminatedUnion('type', [
    frame('authenticate', { token: z.string().min(1).max(8192) }).meta({
      title: 'authenticate',
      description: 'The first frame, where the request carried no token; later: a new token in place of the old.',
    }),
    frame('watch', {
      chat_id: ChatId,
      after: Seq.optional().meta({ description: 'The last `seq` that the client has seen of this chat.' }),
      batches: z.boolean().optional().meta({
        description: 'True: changes that come about together may come in one frame, as a JSON array of their events.',
      }),
    }).meta({ title: 'watch', description: 'Answered with `watching`. Again for a chat: it starts over.' }),
    frame('unwatch', { chat_id: ChatId }).meta({ title: 'unwatch' }),
    frame('post', { chat_id: ChatId, ...AskedMessage.shape }).meta({
      title: 'post',
      description: 'The same as the POST of a message. Send a `client_id`, and posting it again stores it once.',
    }),
    frame('typing', { chat_id: ChatId, typing: z.boolean() }).meta({
      title: 'typing',
      description: 'For a chat that this socket watches. True lasts for 6 seconds: say it again while typing goes on.',
    }),
    frame('read', { chat_id: ChatId, message_id: MessageId }).meta({
      title: 'read',
      description: 'This message and all before it have been read.',
    }),
    frame('stop', { chat_id: ChatId, message_id: MessageId }).meta({
      title: 'stop',
      description: 'Ends an answer that is being made. What it said is kept.',
    }),
    frame('continue', { chat_id: ChatId, message_id: MessageId }).meta({
      title: 'continue',
      description: 'Goes on with an answer that was stopped or has failed, in the same message.',
    }),
    frame('regenerate', { chat_id: ChatId, message_id: MessageId }).meta({
      title: 'regenerate',
      description: 'Answers once more, in a branch of its own beside the answer, which is active from then on.',
    }),
    frame('resend', { chat_id: ChatId, message_id: MessageId, ...DivergingEdit.shape }).meta({
      title: 'resend',
      description:
        'Asks something else in the place of a message, in a branch of its own. Send a `client_id`, and resending it stores it once.',
    }),
    frame('watch_desk', {}).meta({
      title: 'watch_desk',
      description: 'For agents: `desk.queue` and `desk.sessions` follow, and again each time that they change.',
    }),
    frame('unwatch_desk', {}).meta({ title: 'unwatch_desk' }),
    frame('ping', {}).meta({ title: 'ping' }),
  ])
  .meta({ id: 'LiveClientFrame', examples: [{ type: 'watch', id: '1', chat_id: exampleChat.id, after: 3 }] })
export type LiveClientFrame = z.infer<typeof LiveClientFrame>

/** A chat as of one `seq`: what its events after that are applied to. */
export const ChatSnapshot = z
  .object({
    chat: Chat,
    branches: z.array(Branch).meta({ description: 'The active branch, and the newest of the others; oldest first.' }),
    messages: z.array(Message).meta({ description: 'The newest of the active branch, oldest first.' }),
    read_cursors: z
      .record(PersonId, z.object({ ...ReadCursor.shape, position: Position, updated_at: Timestamp }))
      .meta({ description: 'By person.' }),
    answering: ToldAnswering,
  })
  .meta({
    id: 'ChatSnapshot',
    examples: [
      {
        chat: exampleChat,
        branches: [{ ...exampleBranch }],
        messages: [exampleMessage],
        read_cursors: {},
        answering: NO_TOLD_ANSWERING,
      },
    ],
  })
export type ChatSnapshot = z.infer<typeof ChatSnapshot>

/** How a reader of a chat's changes begins, and begins again where some are forgotten. */
export const Watching = z.object({
  type: z.literal('watching'),
  id: FrameId.nullable().meta({ description: 'Null where the server starts the chat over by itself.' }),
  chat_id: ChatId,
  seq: Seq.meta({ description: 'The next event of this chat has the number after this one.' }),
  recovered: z.boolean().meta({
    description: 'True: nothing between `after` and the events that follow is missing. False: begin with `snapshot`.',
  }),
  snapshot: ChatSnapshot.optional().meta({ description: 'There where `recovered` is false.' }),
})
export type Watching = z.infer<typeof Watching>

const REASONS = Object.keys(FAILURES) as [Reason, ...Reason[]]

/** What the server says on the live socket, besides the chats' events. */
export const LiveControlFrame = z.discriminatedUnion('type', [
  z
    .object({
      type: z.literal('authenticated'),
      id: FrameId.nullable(),
      user_id: PersonId.nullable().meta({ description: 'Null for a back end that acts for nobody.' }),
      expires_at: Timestamp.nullable().meta({ description: 'Send a new token before this.' }),
    })
    .meta({ title: 'authenticated', description: 'The token is good. Before this nothing else is taken.' }),
  Watching.meta({ title: 'watching' }),
  z.object({ type: z.literal('ack'), id: FrameId, message: Message.optional() }).meta({
    title: 'ack',
    description:
      'Done. For `post` and `resend`: the message as it is stored. For `stop`, `continue` and `regenerate`: the answer that is meant, or made.',
  }),
  z
    .object({
      type: z.literal('refused'),
      id: FrameId.nullable().meta({ description: 'Null where the frame had none that could be read.' }),
      reason: z.enum(REASONS),
      detail: z.union([z.string(), z.array(Issue)]),
      retry_after: z.int().optional().meta({ description: 'Seconds.' }),
    })
    .meta({ title: 'refused', description: 'Not done, and nothing was changed. The socket stays open.' }),
  z
    .object({ type: z.literal('typing'), chat_id: ChatId, user_id: PersonId, typing: z.boolean() })
    .meta({ title: 'typing', description: 'Also to the one who types. Forget a true that is 10 seconds old.' }),
  z
    .object({
      type: z.literal('presence'),
      chat_id: ChatId,
      count: z.int().nonnegative().meta({ description: 'People who watch the chat, on all instances.' }),
      users: z.array(PersonId).meta({ description: `Who they are; ${PRESENT_MAX} at most.` }),
    })
    .meta({ title: 'presence', description: 'Who watches now, in place of what was told before.' }),
  z.object({ type: z.literal('unwatched'), chat_id: ChatId, reason: z.enum(REASONS) }).meta({
    title: 'unwatched',
    description: 'The support session is not this agent’s any more: nothing more is told.',
  }),
  ...DeskFrame.options,
  AnswerSnapshot,
  AnswerDelta,
  z
    .object({ type: z.literal('bye'), code: z.int(), reason: z.string(), retry: z.boolean() })
    .meta({ title: 'bye', description: 'The server closes the socket now. `retry`: come back, with your cursors.' }),
])
export type LiveControlFrame = z.infer<typeof LiveControlFrame>

/** What the live socket sends: `LiveControlFrame`, or a `ChatEvent` of a watched chat. */
export const LiveServerFrame = z.discriminatedUnion('type', [...LiveControlFrame.options, ...ChatEvent.options]).meta({
  id: 'LiveServerFrame',
  examples: [
    { type: 'watching', id: '1', chat_id: exampleChat.id, seq: 3, recovered: true },
    {
      chat_id: exampleChat.id,
      seq: 4,
      at: exampleChat.created_at,
      type: 'chat.updated',
      data: { title: 'Trip to Porto' },
    },
  ],
})
export type LiveServerFrame = z.infer<typeof LiveServerFrame>

/** What comes in place of a `ChatEvent` where a chat is watched with `batches`: several of it, in the order of `seq`. */
export const LiveEventBatch = z.array(ChatEvent).min(2).meta({ id: 'LiveEventBatch' })
export type LiveEventBatch = z.infer<typeof LiveEventBatch>
