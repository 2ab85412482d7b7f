import { z } from 'zod'
import { PersonId } from './accounts.ts'
import { Metadata } from './chats.ts'
import { Timestamp } from './text.ts'

/** How long a visitor's token may be good, in seconds. */
export const VISITOR_SECONDS = { min: 10, max: 86_400, usual: 3600 }

/** In bytes: a token carries it, and goes along with every call. */
const METADATA_MAX = 2048

const VisitorMetadata = Metadata.refine(
  (data) => new TextEncoder().encode(JSON.stringify(data)).length <= METADATA_MAX,
  `A visitor's metadata is at most ${METADATA_MAX} bytes of JSON.`,
)

const VisitorName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'Use one line of well-formed text.')
  .meta({ description: 'What people call the visitor: one line, 1 to 200 characters.', examples: ['Grace'] })

const exampleVisitor = { user_id: 'customer-42', name: 'Grace', metadata: { plan: 'pro' } }

export const NewVisitor = z
  .object({
    user_id: PersonId.meta({ description: "The embedding product's own word for the person." }),
    name: VisitorName.nullish(),
    metadata: VisitorMetadata.optional(),
    expires_in: z
      .int()
      .min(VISITOR_SECONDS.min)
      .max(VISITOR_SECONDS.max)
      .optional()
      .meta({
        description: `Seconds; ${VISITOR_SECONDS.usual} where it is left out.`,
        examples: [VISITOR_SECONDS.usual],
      }),
  })
  .meta({ id: 'NewVisitor', examples: [exampleVisitor] })
export type NewVisitor = z.infer<typeof NewVisitor>

export const VisitorToken = z
  .object({
    token: z.string().meta({ description: 'A JWT, for the header `Authorization: Bearer …` and for `/api/live`.' }),
    token_type: z.literal('bearer'),
    expires_at: Timestamp,
    user_id: PersonId,
    name: z.string().nullable(),
    metadata: Metadata,
  })
  .meta({
    id: 'VisitorToken',
    description: 'With it a customer without an account writes to support, and nothing else.',
    examples: [
      {
        token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6Ik1pdCJ9.eyJ0eXAiOiJ2aXNpdG9yIn0.c2lnbmF0dXJl',
        token_type: 'bearer',
        expires_at: '2026-01-31T13:00:00.000Z',
        ...exampleVisitor,
      },
    ],
  })
export type VisitorToken = z.infer<typeof VisitorToken>

export const VisitorParams = z.object({ user_id: PersonId })
