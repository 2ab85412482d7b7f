import { Refusal } from '../../domain/refusal.ts'
import { readText } from './json-body.ts'

/** The parser of a route with a form (`parse: formBody`): within the limit of JSON bodies, the last of equal names counts. */
export async function formBody({ request }: { request: Request }): Promise<unknown> {
  const type = request.headers.get('content-type')
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type ?? '')) throw new Refusal('not_form')
  return Object.fromEntries(new URLSearchParams(await readText(request)))
}
