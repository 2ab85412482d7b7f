import { z } from 'zod'
import { Content } from './text.ts'

// The Desk API: chats under the ids that clients choose, with messages that are known by numbers.

/** More sessions than this are not listed at once, and more messages of one are not read at once. */
const PAGE_MAX = 1000
/** More than this is not skipped. */
const SKIPPED_MAX = 2_000_000_000
/** As many messages of each session as are listed along with it. */
export const LISTED_MESSAGES_MAX = 100
/** The text of all messages of one answer, in bytes (UTF-8). The newest go first into what there is room for. */
export const ANSWER_TEXT_MAX = 4_194_304

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'Use well-formed text without NUL characters.')

export const DeskSessionId = z
  .string()
  .regex(/^[^/\\\p{Cc}\p{Zl}\p{Zp}]{1,128}$/u, 'Use 1 to 128 printable characters, without slashes.')
  .refine((id) => id.isWellFormed() && id !== '.' && id !== '..', 'No path can hold this.')
  .meta({ description: "The client's own id for the session.", examples: ['trip-to-lisbon'] })

export const DeskSender = z.enum(['user', 'assistant'])

const WRITTEN = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(?:(Z)|([+-]\d\d)(?::?(\d\d))?)?$/
const Full = z.iso.datetime({ offset: true })

/** The moment of a `DeskTime`, as a `Timestamp`; `undefined` where there is none. */
export function momentOf(written: string): string | undefined {
  const [, minute, second = ':00', , hours, minutes = '00'] = WRITTEN.exec(written) ?? []
  const full = `${minute}${second}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`
  const moment = new Date(Full.safeParse(full).data ?? Number.NaN)
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString()
}

const Iso = z.string().refine((time) => momentOf(time) !== undefined, { error: 'Use an ISO 8601 time.', abort: true })

/** As it was sent: with a zone or without one, which means UTC. */
export const DeskTime = Iso.meta({
  description: 'ISO 8601, as it was sent; the time of the server where none was sent.',
  examples: ['2026-01-31T12:00:00.000Z'],
})

/** The database knows no year 0, and JSON no year beyond 9999. */
const SessionTime = Iso.refine((time) => /^(?!0000)\d{4}-/.test(momentOf(time) ?? ''), 'There is no such year.').meta({
  description: 'ISO 8601; without a zone it is UTC.',
  examples: ['2026-01-31T12:00:00.000Z'],
})

const exampleMessage = {
  id: 1,
  session_id: 'trip-to-lisbon',
  content: 'Where shall we stay?',
  sender: 'user' as const,
  timestamp: '2026-01-31T12:00:00.000Z',
}

export const NewDeskMessage = z
  .object({ content: Content, sender: DeskSender, timestamp: DeskTime.nullish() })
  .meta({ id: 'NewDeskMessage', examples: [{ content: 'Where shall we stay?', sender: 'user' }] })
export type NewDeskMessage = z.infer<typeof NewDeskMessage>

export const DeskMessage = z
  .object({
    id: z.int().positive().meta({ description: 'It grows from message to message.' }),
    session_id: DeskSessionId,
    content: z.string(),
    sender: DeskSender,
    timestamp: DeskTime,
  })
  .meta({ id: 'DeskMessage', description: 'A message as it is stored.', examples: [exampleMessage] })
export type DeskMessage = z.infer<typeof DeskMessage>

export const NewDeskSession = z
  .object({
    id: DeskSessionId.nullish().meta({ description: 'The server makes one where it is left out.' }),
    title: text(200).refine((title) => title.trim() !== '', 'A title must not be blank.'),
    created_at: SessionTime.nullish(),
  })
  .meta({ id: 'NewDeskSession', examples: [{ id: 'trip-to-lisbon', title: 'Trip to Lisbon' }] })
export type NewDeskSession = z.infer<typeof NewDeskSession>

const session = { id: 'trip-to-lisbon', title: 'Trip to Lisbon', created_at: exampleMessage.timestamp }

export const DeskSession = z
  .object({ id: DeskSessionId, title: z.string(), created_at: DeskTime, messages: z.array(DeskMessage) })
  .meta({
    id: 'DeskSession',
    description: 'A session with its newest messages, oldest first.',
    examples: [{ ...session, messages: [exampleMessage] }],
  })
export type DeskSession = z.infer<typeof DeskSession>

/** The same, as the answer to making it. */
export const NewestDeskSession = DeskSession.meta({
  description: 'The session, which has no messages yet.',
  examples: [{ ...session, messages: [] }],
})

export const DeskParams = z.object({ session_id: DeskSessionId })

const number = () => z.coerce.number<string | number>().int()

export const DeskPageQuery = z.object({
  limit: number()
    .min(1)
    .max(PAGE_MAX)
    .optional()
    .meta({
      description: 'How many at most; 100 where it is left out.',
      examples: [100],
    }),
  offset: number()
    .min(0)
    .max(SKIPPED_MAX)
    .optional()
    .meta({ description: 'How many to leave out from the start; 0 where it is left out.' }),
})

export const DeskHistoryQuery = z.object({
  limit: number()
    .min(1)
    .max(PAGE_MAX)
    .optional()
    .meta({ description: 'How many messages at most, the newest; 1000 where it is left out.', examples: [100] }),
  offset: number()
    .min(0)
    .max(SKIPPED_MAX)
    .optional()
    .meta({ description: 'How many of the newest to leave out, deleted ones included; 0 where it is left out.' }),
})

/** What the client sends on the socket. */
export const DeskFrame = NewDeskMessage.extend({ sender: DeskSender.default('user') }).meta({
  id: 'DeskFrame',
  examples: [{ content: 'Where shall we stay?' }],
})

/** What the server sends on the socket. */
export const DeskServerFrame = z
  .union([
    z.object({ session_id: DeskSessionId, message: DeskMessage.omit({ session_id: true }) }).meta({
      title: 'message',
      description: "A message was stored, whatever its way in; the client's own too.",
    }),
    z.object({ error: z.string() }).meta({
      title: 'error',
      description: 'A frame of this client was not taken. The socket stays open.',
    }),
  ])
  .meta({
    id: 'DeskServerFrame',
    description: 'A frame that the server sends on the socket of a desk session.',
    examples: [
      { session_id: 'trip-to-lisbon', message: { ...exampleMessage, session_id: undefined } },
      { error: 'content: Content must not be blank.' },
    ],
  })
export type DeskServerFrame = z.infer<typeof DeskServerFrame>
