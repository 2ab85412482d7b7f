import { Refusal } from '../../domain/refusal.ts'
import { jsonInvalid } from './issues.ts'
import { assertShallow } from './json-depth.ts'

/** The longest JSON body, in bytes: the longest message with every character escaped, and room for the rest. */
export const JSON_BODY_MAX = 262_144

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The parser of every route with a JSON body (`parse: jsonBody`): JSON also without a content type, as the originals took
 * it, and within the limit however it is sent.
 */
export async function jsonBody({ request }: { request: Request }): Promise<unknown> {
  assertJson(request)
  return jsonOf(await readText(request))
}

/** The same where a body may be left out, which is an empty object. */
export async function optionalJsonBody({ request }: { request: Request }): Promise<unknown> {
  const text = await readText(request)
  if (text === '') return {}
  assertJson(request)
  return jsonOf(text)
}

/** Throws `Refusal('not_json')` for another content type. */
export function assertJson(request: Request): void {
  const type = request.headers.get('content-type')
  if (type !== null && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) throw new Refusal('not_json')
}

/** The value of a body's text. Throws `Refusal('invalid')`. */
export function jsonOf(text: string): unknown {
  assertShallow(text)
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('invalid', { issues: [jsonInvalid('body')] })
  }
}

/**
 * A body's text. Throws `Refusal('body_too_large')` as soon as it is longer than the limit, and `Refusal('invalid')` for
 * one that is not UTF-8, of which something else would be stored than was sent.
 */
export async function readText(request: Request): Promise<string> {
  const length = request.headers.get('content-length')
  if (length !== null) {
    if (Number(length) > JSON_BODY_MAX) throw new Refusal('body_too_large')
    return textOf(await request.bytes())
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > JSON_BODY_MAX) throw new Refusal('body_too_large')
    chunks.push(chunk)
  }
  return textOf(Buffer.concat(chunks))
}

/** Throws `Refusal('invalid')` for bytes that are not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    throw new Refusal('invalid', {
      cause,
      issues: [{ loc: ['body'], msg: 'The body is not UTF-8.', type: 'encoding' }],
    })
  }
}
