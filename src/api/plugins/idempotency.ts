import { Id } from '../../contract/text.ts'
import { Refusal } from '../../domain/refusal.ts'
import { issuesOf } from './issues.ts'

const HEADER = 'idempotency-key'

/** For the `detail` of a route whose body has a `client_id`. */
export const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'In place of `client_id` in the body: where both are given, they are the same.',
  schema: { type: 'string' as const, format: 'uuid' },
  example: '0198f3a1-55aa-7e01-9f3c-2b4d6e8f0a1c',
}

/** The sender's own id of what it sends, from either place. Throws `Refusal('invalid')`. */
export function clientIdOf(request: Request, inBody: string | undefined): { client_id?: string } {
  const given = request.headers.get(HEADER)
  if (given === null) return inBody === undefined ? {} : { client_id: inBody }
  const parsed = Id.safeParse(given)
  if (!parsed.success) throw new Refusal('invalid', { issues: issuesOf(parsed.error.issues, 'header', HEADER) })
  if (inBody !== undefined && inBody !== parsed.data) {
    const msg = 'Idempotency-Key and client_id are not the same.'
    throw new Refusal('invalid', { issues: [{ loc: ['header', HEADER], msg, type: 'custom' }] })
  }
  return { client_id: parsed.data }
}
