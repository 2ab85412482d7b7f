import { Elysia } from 'elysia'
import { FAILURES, type Reason } from '../../contract/failures.ts'
import { Refusal } from '../../domain/refusal.ts'
import { issuesOf, type StandardIssue } from './issues.ts'
import type { RequestLog } from './request-log.ts'
import { toldReason } from './revealing.ts'

const PARTS: Record<string, string> = { params: 'path', headers: 'header' }

/** Turns whatever a route throws into the one shape of errors, by the failure table. */
export function failureResponses(log: RequestLog, allowedMethods: (path: string) => string[]) {
  return new Elysia({ name: 'failures' }).onError({ as: 'global' }, (context) => {
    const { error, code, request, set } = context
    // A parser's refusal reaches us wrapped in Elysia's own error.
    const thrown = error instanceof Error && error.cause instanceof Refusal ? error.cause : error
    if (thrown instanceof Refusal) {
      if (FAILURES[thrown.reason].status >= 500) log.fault(request, thrown)
      if (thrown.retryAfter !== undefined) set.headers['retry-after'] = String(thrown.retryAfter)
      if (FAILURES[thrown.reason].status === 401) set.headers['www-authenticate'] = challengeOf(thrown.reason)
      // Not the context itself: where that is passed on, Elysia reads and parses every request's body, whatever its length.
      const reveals = 'reveals' in context ? context.reveals : undefined
      return refuse(set, toldReason(thrown, reveals), detailOf(thrown))
    }
    if (code === 'NOT_FOUND') {
      const methods = allowedMethods(new URL(request.url).pathname)
      if (methods.length === 0) return refuse(set, 'not_found')
      set.headers['allow'] = methods.join(', ')
      return refuse(set, 'method_not_allowed')
    }
    if (code === 'PARSE')
      return refuse(set, 'invalid', { detail: [{ loc: ['body'], msg: 'Unreadable body', type: 'parse' }] })
    // What we answer not fitting its own schema is a fault of ours, not of the caller.
    if (code === 'VALIDATION' && error.type !== 'response')
      return refuse(set, 'invalid', { detail: validationIssues(error) })
    log.fault(request, thrown)
    return refuse(set, 'internal', { request_id: log.requestId(request) })
  })
}

function detailOf({ issues, detail }: Refusal): { detail?: unknown } {
  if (issues.length > 0) return { detail: issues }
  return detail === undefined ? {} : { detail }
}

/** RFC 6750: only who showed a token is told that it is no good. */
function challengeOf(reason: Reason): string {
  return reason === 'token_invalid' ? 'Bearer error="invalid_token"' : 'Bearer'
}

function refuse(set: { status?: unknown }, reason: Reason, more: Record<string, unknown> = {}) {
  const { status, detail } = FAILURES[reason]
  set.status = status
  return { detail, reason, ...more }
}

/** Elysia's error knows the schema and the value, but only the first fault. */
function validationIssues({ type, validator, value }: { type: string; validator: unknown; value: unknown }) {
  const outcome = schemaOf(validator)?.['~standard'].validate(value)
  const faults = outcome !== undefined && 'issues' in outcome ? outcome.issues : undefined
  return issuesOf(faults ?? [{ message: 'Invalid value' }], PARTS[type] ?? type)
}

type Schema = { '~standard': { validate(value: unknown): { issues?: readonly StandardIssue[] } | Promise<unknown> } }

function schemaOf(validator: unknown): Schema | undefined {
  if (typeof validator !== 'object' || validator === null) return undefined
  if ('schema' in validator) return schemaOf(validator.schema)
  // The property is what a Standard Schema is told by.
  return '~standard' in validator ? (validator as Schema) : undefined
}
