import { z } from 'zod'
import { PersonId } from './accounts.ts'
import { SupportSession, SupportSessionId } from './support.ts'
import { SupportNote } from './support-desk.ts'
import { Timestamp } from './text.ts'

/** As many of the queue are told of as it changes; `waiting` counts all. */
export const FED_MAX = 100

/** What agents are told of the desk as it changes. */
export const DeskFrame = z.discriminatedUnion('type', [
  z
    .object({
      type: z.literal('desk.queue'),
      waiting: z.int().nonnegative().meta({ description: 'How many wait in all.' }),
      sessions: z
        .array(
          z.object({
            id: SupportSessionId,
            user_id: PersonId,
            position: z.int().positive().meta({ description: 'From 1.' }),
            waiting_since: Timestamp,
          }),
        )
        .meta({ description: `The first ${FED_MAX}, those that wait longest first.` }),
    })
    .meta({ title: 'desk.queue', description: 'The queue as it is now, in place of what was told before.' }),
  z.object({ type: z.literal('desk.sessions'), sessions: z.array(SupportSession) }).meta({
    title: 'desk.sessions',
    description: 'The sessions that the agent has now, in place of what was told before.',
  }),
  z.object({ type: z.literal('desk.note'), note: SupportNote }).meta({
    title: 'desk.note',
    description: 'A note was written about a session that the agent sees. After a lost connection, list them.',
  }),
])
export type DeskFrame = z.infer<typeof DeskFrame>
