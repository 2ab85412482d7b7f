import type { z } from 'zod'
import type { Issue } from '../../contract/failures.ts'

/** No more of one input's faults than this are told. */
const ISSUES_MAX = 20

/** A validator's faults in the documented shape; `where` is the part of the request: body, query, path. */
export function issuesOf(faults: readonly StandardIssue[], ...where: string[]): Issue[] {
  return faults.slice(0, ISSUES_MAX).map((fault) => ({
    loc: [...where, ...(fault.path ?? []).map(pathKey)],
    msg: fault.message,
    type: fault.code ?? 'invalid',
  }))
}

/** As much of a Standard Schema issue as we tell; zod's have a code, others need not. */
export type StandardIssue = {
  message: string
  code?: string
  path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined
}

function pathKey(segment: PropertyKey | { key: PropertyKey }): string | number {
  const key = typeof segment === 'object' ? segment.key : segment
  return typeof key === 'number' ? key : String(key)
}

export const jsonInvalid = (...where: string[]): Issue => ({
  loc: where,
  msg: 'JSON decode error',
  type: 'json_invalid',
})

/** Parses `text` as JSON and then by `schema`; the faults of either as issues. */
export function parseJson<S extends z.ZodType>(
  schema: S,
  text: string,
): { ok: true; value: z.infer<S> } | { ok: false; issues: Issue[] } {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return { ok: false, issues: [jsonInvalid()] }
  }
  const parsed = schema.safeParse(raw)
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, issues: issuesOf(parsed.error.issues) }
}
