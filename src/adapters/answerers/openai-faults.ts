import { z } from 'zod'
import { AnswerFault } from '../../domain/answers/answer-fault.ts'

/** What a service says of its error, as far as it says so in the usual places. */
type ServiceError = { code: string; message: string }

/** UTF-16 code units of what a service says, as the log has it. */
const SAID_MAX = 500

const ErrorBody = z.union([
  z
    .object({
      code: z.union([z.string(), z.number()]).nullish(),
      type: z.string().nullish(),
      message: z.string(),
    })
    .transform(({ code, type, message }) => ({ code: `${code ?? ''} ${type ?? ''}`, message })),
  z.string().transform((message) => ({ code: '', message })),
])

/** Of an error's body, whatever it is. */
export function errorOf(body: string): ServiceError {
  try {
    const parsed = z.object({ error: ErrorBody }).safeParse(JSON.parse(body))
    if (parsed.success) return parsed.data.error
  } catch {
    // Not JSON: a page of a proxy, for example.
  }
  return { code: '', message: body }
}

const TOO_LONG = /context.length|too (long|large)|maximum.*(tokens|length)/i

/**
 * Says in our words why the service refused: its own may hold anything, such as a part of its key. They are for the log,
 * without what looks like a key.
 */
export function faultOfStatus(
  { status, headers }: Response,
  error: ServiceError,
  apiKey: string | undefined,
): AnswerFault {
  const cause = new Error(`the service answered ${status}: ${withoutKeys(error.message, apiKey)}`)
  const final = (message: string) => new AnswerFault(message, { cause })
  const retryAfterMs = pauseOf(headers.get('retry-after'))
  const passing = (message: string) => new AnswerFault(message, { passing: true, retryAfterMs, cause })
  if (/insufficient_quota|billing/.test(error.code)) return final('The AI service has no quota left.')
  if (status === 401 || status === 403) return final('The AI service does not accept the key of this server.')
  if (status === 404) return final('The AI service does not know the model, or it is at another address.')
  if (status === 413 || (status < 500 && TOO_LONG.test(`${error.code} ${error.message}`))) {
    return final('The conversation is too long for the AI model.')
  }
  if (status === 429) return passing('The AI service is busy.')
  if (status === 408 || status >= 500) return passing(`The AI service failed (${status}).`)
  return final(`The AI service refused the request (${status}).`)
}

/** In milliseconds; a `Retry-After` header tells seconds, or a time. */
function pauseOf(header: string | null): number {
  if (header === null) return 0
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.max(ms, 0) : 0
}

/** The same of an error that came in the stream, after its 200. */
export function refusedBy(error: unknown, apiKey: string | undefined): AnswerFault {
  const parsed = ErrorBody.safeParse(error)
  const { code, message } = parsed.success ? parsed.data : { code: '', message: String(JSON.stringify(error)) }
  const cause = new Error(`the service said: ${withoutKeys(`${code} ${message}`, apiKey)}`)
  if (TOO_LONG.test(`${code} ${message}`)) {
    return new AnswerFault('The conversation is too long for the AI model.', { cause })
  }
  return new AnswerFault('The AI service failed while it answered.', { passing: true, cause })
}

function withoutKeys(said: string, apiKey: string | undefined): string {
  const known = apiKey === undefined ? said : said.replaceAll(apiKey, '***')
  return known.replaceAll(/\b(?:sk|pk|key|bearer)[-_ ][\w*.-]{6,}/gi, '***').slice(0, SAID_MAX)
}
