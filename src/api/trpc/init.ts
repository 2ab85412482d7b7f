import { initTRPC, TRPCError } from '@trpc/server'
import { ZodError } from 'zod'
import { FAILURES, type Issue, type Reason } from '../../contract/failures.ts'
import { Refusal } from '../../domain/refusal.ts'
import { issuesOf } from '../plugins/issues.ts'

/** What `error.data` holds beside tRPC's own fields. */
type RefusalData = { reason: Reason; issues: Issue[] }

// The context's type is written here, since what has a name of its own would ship with the client.
const t = initTRPC.context<{ request: Request; address: string; token: string | null }>().create({
  sse: {
    // Under Bun's idle timeout, so that a quiet subscription stays open.
    ping: { enabled: true, intervalMs: 10_000 },
    client: { reconnectAfterInactivityMs: 25_000 },
  },
  errorFormatter({ shape, error }) {
    const { stack: _, ...data } = shape.data
    return { ...shape, message: messageOf(error), data: { ...data, ...refusalData(error) } }
  },
})

export const router = t.router

/** A refusal of a service becomes the tRPC error that the failure table names. */
export const procedure = t.procedure.use(async ({ next }) => {
  const result = await next()
  if (result.ok || !(result.error.cause instanceof Refusal)) return result
  throw told(result.error.cause)
})

/** For a subscription that nothing ends. */
export const NEVER = new AbortController().signal

/** The same for what a subscription yields: a refusal on the way is past what `procedure` sees. */
export async function* subscription<T>(items: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  try {
    yield* items
  } catch (fault) {
    throw fault instanceof Refusal ? told(fault) : fault
  }
}

function told(cause: Refusal): TRPCError {
  return new TRPCError({ code: FAILURES[cause.reason].trpc, message: cause.message, cause })
}

function refusalData({ cause, code }: TRPCError): RefusalData {
  if (cause instanceof Refusal) return { reason: cause.reason, issues: [...cause.issues] }
  if (cause instanceof ZodError) return { reason: 'invalid', issues: issuesOf(cause.issues, 'input') }
  switch (code) {
    case 'NOT_FOUND':
      return { reason: 'not_found', issues: [] }
    case 'METHOD_NOT_SUPPORTED':
      return { reason: 'method_not_allowed', issues: [] }
    case 'UNSUPPORTED_MEDIA_TYPE':
      return { reason: 'not_json', issues: [] }
    case 'PAYLOAD_TOO_LARGE':
      return { reason: 'body_too_large', issues: [] }
    case 'PARSE_ERROR':
    case 'BAD_REQUEST':
      return { reason: 'invalid', issues: [] }
    default:
      return { reason: 'internal', issues: [] }
  }
}

/** Nothing of an unexpected fault leaves the server. */
function messageOf(error: TRPCError): string {
  return FAILURES[refusalData(error).reason].detail
}
