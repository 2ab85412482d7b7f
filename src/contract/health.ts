import { z } from 'zod'
import { Timestamp } from './text.ts'

const exampleHealth = {
  status: 'healthy',
  timestamp: '2026-01-31T12:00:00.000Z',
  service: 'Parley',
  version: '0.1.0',
  checks: { database: 'up', redis: 'up' },
}

export const Health = z
  .object({
    status: z.enum(['healthy', 'unhealthy']),
    timestamp: Timestamp,
    service: z.string(),
    version: z.string(),
    checks: z
      .record(z.string(), z.enum(['up', 'down']))
      .meta({ description: 'Each store that is configured, and whether it answered.', examples: [{ database: 'up' }] }),
  })
  .meta({
    id: 'Health',
    description: 'How the server is, and each store that it is configured with.',
    examples: [exampleHealth],
  })
export type Health = z.infer<typeof Health>

/** The same, as the answer of a server that should get no requests. */
export const Unhealthy = Health.meta({
  description: 'A store does not answer, or the server is stopping.',
  examples: [{ ...exampleHealth, status: 'unhealthy', checks: { database: 'up', redis: 'down' } }],
})

export const Greeting = z
  .object({ status: z.literal('ok'), service: z.string() })
  .meta({ id: 'Greeting', description: 'The server is there.', examples: [{ status: 'ok', service: 'Parley' }] })

export const Liveness = z
  .object({ status: z.literal('alive') })
  .meta({ id: 'Liveness', description: 'The process runs.', examples: [{ status: 'alive' }] })
