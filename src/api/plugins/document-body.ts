import { Refusal } from '../../domain/refusal.ts'
import { assertJson, jsonOf, textOf } from './json-body.ts'

/** The JSON value of a large body, of at most `max` bytes. Throws as `jsonBody` does. */
export async function documentBody(request: Request, max: number): Promise<unknown> {
  assertJson(request)
  if (Number(request.headers.get('content-length')) > max) throw new Refusal('body_too_large')
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > max) throw new Refusal('body_too_large')
    chunks.push(chunk)
  }
  const text = textOf(Buffer.concat(chunks))
  const value = jsonOf(text)
  // A validator leaves this key out of what it copies: to take a part of a document and say nothing is no answer.
  const place = /__proto__|\\u00[567]/i.test(text) ? placeOf('__proto__', value) : undefined
  if (place !== undefined) {
    throw new Refusal('invalid', { issues: [{ loc: ['body', ...place], msg: 'This key is not taken.', type: 'key' }] })
  }
  return value
}

/** Where a JSON value has this key. It is not nested deep. */
function placeOf(key: string, value: unknown): (string | number)[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Object.hasOwn(value, key)) return [key]
  for (const [name, inner] of Object.entries(value)) {
    const place = placeOf(key, inner)
    if (place !== undefined) return [Array.isArray(value) ? Number(name) : name, ...place]
  }
  return undefined
}
