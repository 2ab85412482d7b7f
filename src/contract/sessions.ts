import { z } from 'zod'
import { ChatId, exampleChat, Seq, Title } from './chats.ts'
import { Issue } from './failures.ts'
import { Content, Timestamp } from './text.ts'

export const SessionId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, "Use 1 to 128 of letters, digits, '.', '_', '-' and ':'.")
  .meta({ description: "The client's own name for the session.", examples: ['my-session'] })

export const SessionRole = z.enum(['user', 'assistant', 'system'])

export const NewSessionMessage = z.object({ role: SessionRole, content: Content }).meta({
  id: 'NewSessionMessage',
  description: 'What a client says. Also the frame that it sends on the socket.',
  examples: [{ role: 'user', content: 'Hello there!' }],
})
export type NewSessionMessage = z.infer<typeof NewSessionMessage>

const exampleMessage = {
  id: '5f0c2b1e-8d3a-4c6f-9b7e-1a2d3c4b5e6f',
  role: 'user' as const,
  content: 'Hello there!',
  created_at: '2026-01-31T12:00:00.000Z',
}

export const SessionMessage = z
  .object({ id: z.uuid(), role: SessionRole, content: z.string(), created_at: Timestamp })
  .meta({ id: 'SessionMessage', description: 'A message as it is stored.', examples: [exampleMessage] })
export type SessionMessage = z.infer<typeof SessionMessage>

export const Conversation = z.object({ session_id: SessionId, messages: z.array(SessionMessage) }).meta({
  id: 'Conversation',
  description: 'A session with its messages, oldest first.',
  examples: [{ session_id: 'my-session', messages: [exampleMessage] }],
})
export type Conversation = z.infer<typeof Conversation>

/** The same, as the answer to clearing it. */
export const ClearedConversation = Conversation.meta({
  description: 'The session, now without messages.',
  examples: [{ session_id: 'my-session', messages: [] }],
})

export const SessionSummary = z.object({ session_id: SessionId, message_count: z.int().positive() }).meta({
  id: 'SessionSummary',
  description: 'A session that holds messages.',
  examples: [{ session_id: 'my-session', message_count: 3 }],
})
export type SessionSummary = z.infer<typeof SessionSummary>

export const SessionParams = z.object({ session_id: SessionId })

export const SESSION_PAGE_MAX = 1000

/** A page of sessions, by session_id: those after `after`. */
export const SessionPage = z.object({
  limit: z.coerce
    .number<number>()
    .int()
    .min(1)
    .max(SESSION_PAGE_MAX)
    .default(SESSION_PAGE_MAX)
    .meta({ description: 'How many at most.' }),
  after: SessionId.optional().meta({
    description: 'The session_id that the last page ended with.',
    examples: ['my-session'],
  }),
})
export type SessionPage = z.infer<typeof SessionPage>

/** The same in a URL. Eden types a query by what the schema puts out, where a default would be a field to be given. */
export const SessionPageQuery = SessionPage.partial()

/** How a session becomes a chat. */
export const SessionPromotion = z
  .object({
    title: Title.optional().meta({
      description: "The chat's. Where it is left out: how the first message of a `user` begins, or the session_id.",
    }),
  })
  .meta({ id: 'SessionPromotion', examples: [{ title: 'Trip to Lisbon' }] })
export type SessionPromotion = z.infer<typeof SessionPromotion>

/** What watchers of a session are told: all of it first, then each change. */
export const SessionWatchEvent = z.discriminatedUnion('type', [
  z
    .object({ type: z.literal('session.sync'), session: Conversation })
    .meta({ title: 'session.sync', description: 'The first, once: the session as it is.' }),
  z.object({ type: z.literal('message.created'), session_id: SessionId, message: SessionMessage }).meta({
    title: 'message.created',
    description: "A message was stored, whatever its way in; the watcher's own too.",
  }),
  z
    .object({ type: z.literal('session.cleared'), session_id: SessionId })
    .meta({ title: 'session.cleared', description: 'The session has no messages any more.' }),
  z
    .object({
      type: z.literal('session.promoted'),
      session_id: SessionId,
      chat_id: ChatId,
      seq: Seq.meta({ description: "What a watcher has not seen comes after this event of the chat's." }),
    })
    .meta({
      title: 'session.promoted',
      description: 'The session has become a chat, which its owner can open, and takes no more messages.',
    }),
])
export type SessionWatchEvent = z.infer<typeof SessionWatchEvent>

/** What a session's socket receives. Its client sends `NewSessionMessage`. */
export const SessionServerFrame = z
  .discriminatedUnion('type', [
    ...SessionWatchEvent.options,
    z
      .object({
        type: z.literal('error'),
        detail: z.string(),
        reason: z.enum(['invalid', 'session_promoted']),
        errors: z.array(Issue),
      })
      .meta({
        title: 'error',
        description: 'A frame of this client was not a message, or came too late to be stored. The socket stays open.',
      }),
  ])
  .meta({
    id: 'SessionServerFrame',
    description: 'A frame that the server sends on the socket of a session.',
    examples: [
      { type: 'session.sync', session: { session_id: 'my-session', messages: [exampleMessage] } },
      { type: 'message.created', session_id: 'my-session', message: exampleMessage },
      { type: 'session.cleared', session_id: 'my-session' },
      { type: 'session.promoted', session_id: 'my-session', chat_id: exampleChat.id, seq: 3 },
      {
        type: 'error',
        detail: 'Invalid message payload.',
        reason: 'invalid',
        errors: [{ loc: ['content'], msg: 'Content must not be blank.', type: 'custom' }],
      },
    ],
  })
export type SessionServerFrame = z.infer<typeof SessionServerFrame>
