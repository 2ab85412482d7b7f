import { z } from 'zod'
import { PersonId } from './accounts.ts'
import { ChatId, MessageId, Metadata, SenderType } from './chats.ts'
import { Content, Id, Timestamp } from './text.ts'

// The Support API: chats that a person handles, or may.

const PAGE_MAX = 1000
/** More than this is not skipped. */
const SKIPPED_MAX = 2_000_000_000
/** As many messages of a session as are read along with it. */
export const SESSION_MESSAGES_MAX = 100

export const SupportSessionId = ChatId.meta({ description: 'A support session, which is a chat of this id.' })

export const SupportStatus = z.enum(['active', 'ended', 'transferred'])
export type SupportStatus = z.infer<typeof SupportStatus>

export const exampleSupportSession = {
  id: '0198f3a0-5c1e-7a4b-9d2e-3f6a7b8c9d0e',
  user_id: 'customer-7',
  agent_id: 'agent-3',
  status: 'active' as const,
  metadata: { topic: 'invoice' },
  created_at: '2026-01-31T12:00:00.000Z',
  updated_at: '2026-01-31T12:01:00.000Z',
  ended_at: null,
  waiting_since: null,
  first_reply_at: '2026-01-31T12:01:30.000Z',
  answering: false,
}

export const SupportSession = z
  .object({
    id: SupportSessionId,
    user_id: PersonId.meta({ description: 'The customer.' }),
    agent_id: PersonId.nullable().meta({ description: 'The agent who holds it, or held it last.' }),
    status: SupportStatus.meta({ description: '`transferred`: it went from an agent to another, or to the queue.' }),
    metadata: Metadata,
    created_at: Timestamp,
    updated_at: Timestamp.meta({ description: 'When the session itself was last changed; messages do not change it.' }),
    ended_at: Timestamp.nullable(),
    waiting_since: Timestamp.nullable().meta({ description: 'Since when it is in the queue.' }),
    first_reply_at: Timestamp.nullable().meta({ description: 'When an agent first said something.' }),
    answering: z.boolean().meta({ description: 'True while the AI answers, and no person is asked for.' }),
  })
  .meta({ id: 'SupportSession', examples: [exampleSupportSession] })
export type SupportSession = z.infer<typeof SupportSession>

/** What an event of the session's chat tells: the session as it is from then on. */
export const SupportState = SupportSession.omit({ id: true, created_at: true, updated_at: true, first_reply_at: true })
export type SupportState = z.infer<typeof SupportState>

const exampleMessage = {
  id: '0198f3a1-77d2-7c10-8a55-6b1f0e2d4c3a',
  session_id: exampleSupportSession.id,
  content: 'My invoice is wrong.',
  sender_type: 'user' as const,
  sender_id: 'customer-7',
  created_at: exampleSupportSession.created_at,
  is_deleted: false,
  metadata: {},
}

export const SupportMessage = z
  .object({
    id: MessageId,
    session_id: SupportSessionId,
    content: z.string().meta({ description: 'Empty once the message is deleted.' }),
    sender_type: SenderType,
    sender_id: z.string().meta({ description: 'Where nobody in particular said it, the word of `sender_type`.' }),
    created_at: Timestamp,
    is_deleted: z.boolean(),
    metadata: Metadata,
  })
  .meta({ id: 'SupportMessage', examples: [exampleMessage] })
export type SupportMessage = z.infer<typeof SupportMessage>

export const SupportSessionWithMessages = SupportSession.extend({ messages: z.array(SupportMessage) }).meta({
  id: 'SupportSessionWithMessages',
  description: `A session with its first ${SESSION_MESSAGES_MAX} messages that are not deleted, oldest first.`,
  examples: [{ ...exampleSupportSession, messages: [exampleMessage] }],
})
export type SupportSessionWithMessages = z.infer<typeof SupportSessionWithMessages>

export const NewSupportSession = z
  .object({
    user_id: PersonId.meta({ description: 'The customer.' }),
    agent_id: PersonId.nullish().meta({ description: 'Left out, the session waits in the queue.' }),
    metadata: Metadata.nullish(),
    answering: z.boolean().optional().meta({ description: 'True: the AI answers until somebody asks for a person.' }),
    hand_over_on_failure: z
      .boolean()
      .optional()
      .meta({ description: 'Whether an AI answer that fails asks for a person. True where it is left out.' }),
  })
  .refine(({ agent_id, answering }) => agent_id == null || answering !== true, {
    error: 'Either the AI answers or an agent.',
    path: ['answering'],
  })
  .meta({ id: 'NewSupportSession', examples: [{ user_id: 'customer-7', metadata: { topic: 'invoice' } }] })
export type NewSupportSession = z.infer<typeof NewSupportSession>

export const SupportSessionChange = z
  .object({ agent_id: PersonId.nullish(), status: SupportStatus.nullish(), metadata: Metadata.nullish() })
  .meta({
    id: 'SupportSessionChange',
    description: 'What is left out, or null, stays as it is.',
    examples: [{ agent_id: 'agent-3' }],
  })
export type SupportSessionChange = z.infer<typeof SupportSessionChange>

export const HandOverRule = z
  .object({ on_failure: z.boolean().meta({ description: 'Whether an AI answer that fails asks for a person.' }) })
  .meta({ id: 'HandOverRule', examples: [{ on_failure: true }] })

export const NewSupportMessage = z
  .object({
    content: Content,
    sender_type: SenderType,
    sender_id: PersonId,
    metadata: Metadata.nullish(),
    client_id: Id.nullish().meta({ description: "The sender's own id of it, so that it is stored once." }),
  })
  .meta({
    id: 'NewSupportMessage',
    examples: [{ content: 'My invoice is wrong.', sender_type: 'user', sender_id: 'customer-7' }],
  })
export type NewSupportMessage = z.infer<typeof NewSupportMessage>

export const SupportParams = z.object({ session_id: SupportSessionId })
export const SupportUserParams = z.object({ user_id: PersonId })
export const SupportMessageParams = z.object({ message_id: MessageId })

const number = () => z.coerce.number<string | number>().int()
const limit = () =>
  number()
    .min(1)
    .max(PAGE_MAX)
    .optional()
    .meta({ description: 'How many at most; 100 where it is left out.', examples: [100] })
const offset = () =>
  number()
    .min(0)
    .max(SKIPPED_MAX)
    .optional()
    .meta({ description: 'How many to leave out from the start; 0 where it is left out.' })

export const SupportPageQuery = z.object({ limit: limit(), offset: offset() })

export const SupportListQuery = SupportPageQuery.extend({
  active_only: z.stringbool().optional().meta({ description: 'Only those that have not ended.' }),
})
