import { z } from 'zod'
import { PersonId } from './accounts.ts'
import { exampleSupportSession, SupportPageQuery, SupportSession, SupportSessionId } from './support.ts'
import { Content, Id, Timestamp } from './text.ts'

// What agents do with support sessions: the queue, who has which, notes of their own, and figures.

const count = z.int().nonnegative()
const seconds = z
  .number()
  .nonnegative()
  .nullable()
  .meta({ description: 'The mean, in seconds; null where there is none.' })

export const QueueQuery = SupportPageQuery

export const SupportQueue = z
  .object({
    waiting: count.meta({ description: 'How many wait in all.' }),
    sessions: z.array(SupportSession.extend({ position: z.int().positive().meta({ description: 'From 1.' }) })),
  })
  .meta({
    id: 'SupportQueue',
    description: 'The sessions that wait, those that wait longest first.',
    examples: [
      {
        waiting: 1,
        sessions: [
          { ...exampleSupportSession, agent_id: null, waiting_since: exampleSupportSession.created_at, position: 1 },
        ],
      },
    ],
  })
export type SupportQueue = z.infer<typeof SupportQueue>

export const Assignment = z
  .object({ agent_id: PersonId })
  .meta({ id: 'Assignment', examples: [{ agent_id: 'agent-3' }] })

const NoteText = Content.meta({ description: 'For agents alone: no customer is ever told of it.', examples: ['VIP.'] })

export const SupportTransfer = z
  .object({
    agent_id: PersonId.nullish().meta({ description: 'Left out, the session goes back to the queue.' }),
    note: NoteText.nullish(),
  })
  .meta({ id: 'SupportTransfer', examples: [{ agent_id: 'agent-4', note: 'Asks for a refund.' }] })
export type SupportTransfer = z.infer<typeof SupportTransfer>

export const NewSupportNote = z
  .object({ content: NoteText })
  .meta({ id: 'NewSupportNote', examples: [{ content: 'Asks for a refund.' }] })

export const SupportNote = z
  .object({
    id: Id,
    session_id: SupportSessionId,
    author_id: PersonId.nullable().meta({ description: 'Null where a back end wrote it.' }),
    content: z.string(),
    created_at: Timestamp,
  })
  .meta({
    id: 'SupportNote',
    description: 'What agents tell each other of a session.',
    examples: [
      {
        id: '0198f3a1-77d2-7c10-8a55-6b1f0e2d4c3b',
        session_id: exampleSupportSession.id,
        author_id: 'agent-3',
        content: 'Asks for a refund.',
        created_at: exampleSupportSession.created_at,
      },
    ],
  })
export type SupportNote = z.infer<typeof SupportNote>

/** No agent is asked to have more at once. */
const LIMIT_MAX = 1000

export const AgentParams = z.object({ agent_id: PersonId })

export const AgentStateChange = z
  .object({
    available: z.boolean().optional(),
    session_limit: z
      .int()
      .min(0)
      .max(LIMIT_MAX)
      .nullish()
      .meta({ description: "Sessions at once; null for the server's own limit." }),
  })
  .meta({ id: 'AgentStateChange', description: 'What is left out stays as it is.', examples: [{ available: true }] })
export type AgentStateChange = z.infer<typeof AgentStateChange>

export const AgentState = z
  .object({
    agent_id: PersonId,
    available: z.boolean().meta({ description: 'Whether sessions are given to it.' }),
    session_limit: count.meta({ description: 'As many sessions as it takes at once.' }),
    sessions: count.meta({ description: 'As many as it has.' }),
  })
  .meta({
    id: 'AgentState',
    examples: [{ agent_id: 'agent-3', available: true, session_limit: 5, sessions: 2 }],
  })
export type AgentState = z.infer<typeof AgentState>

export const STATISTICS_DAYS_MAX = 366

export const StatisticsQuery = z.object({
  days: z.coerce
    .number<string | number>()
    .int()
    .min(1)
    .max(STATISTICS_DAYS_MAX)
    .optional()
    .meta({ description: 'How many days back, today included, by UTC; 7 where it is left out.', examples: [7] }),
})

const times = { first_reply_seconds: seconds, resolution_seconds: seconds }
const exampleTimes = { first_reply_seconds: 41.5, resolution_seconds: 600 }

export const SupportStatistics = z
  .object({
    open: count.meta({ description: 'Sessions that people handle now, those that wait included.' }),
    waiting: count,
    answering: count.meta({ description: 'Sessions that the AI answers now.' }),
    longest_wait_seconds: z.number().nonnegative().nullable(),
    per_agent: z.array(
      z.object({
        agent_id: PersonId,
        open: count,
        ended: count.meta({ description: 'Of the sessions that it had last, those that ended within these days.' }),
        ...times,
      }),
    ),
    per_day: z.array(
      z.object({
        day: z.iso.date(),
        opened: count,
        ended: count,
        ...times,
      }),
    ),
  })
  .meta({
    id: 'SupportStatistics',
    description:
      'First replies and resolutions are counted from when a person was first asked for, of the sessions that ended on the day or within the days.',
    examples: [
      {
        open: 3,
        waiting: 1,
        answering: 2,
        longest_wait_seconds: 12.5,
        per_agent: [{ agent_id: 'agent-3', open: 2, ended: 4, ...exampleTimes }],
        per_day: [{ day: '2026-01-31', opened: 7, ended: 4, ...exampleTimes }],
      },
    ],
  })
export type SupportStatistics = z.infer<typeof SupportStatistics>
