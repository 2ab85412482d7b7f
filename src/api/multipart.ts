import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import type { SentFile } from '../domain/files/service.ts'
import { Refusal } from '../domain/refusal.ts'

/** What else a form may hold is read over, within these. */
const LIMITS = { fields: 20, fieldSize: 65_536, parts: 40, headerPairs: 20, headerSize: 16_384 }

/**
 * The files of a form, one after the other, as the request brings them: no more of it is read than is taken. Throws
 * `Refusal('not_multipart')`, `Refusal('invalid')` for more files than `max` or none at all, and `Refusal('upload_broken')`
 * where the form is cut off.
 */
export async function* filesIn(request: Request, field: string, max: number): AsyncGenerator<SentFile> {
  const form = openForm(request, max)
  const waiting: SentFile[] = []
  let woken = Promise.withResolvers<void>()
  let file: Readable | undefined
  let refusal: Refusal | undefined
  let ended = false
  const wake = () => woken.resolve()
  const fail = (fault: Refusal) => {
    refusal ??= fault
    file?.destroy(refusal)
    wake()
  }
  form.on('file', (name, stream, filename) => {
    // Who reads it hears of it; without a listener it would end the process.
    stream.on('error', () => {})
    if (name !== field || filename === '') return void stream.resume()
    file = stream
    waiting.push({ name: filename ?? '', bytes: bytesOf(stream, () => refusal) })
    wake()
  })
  form.on('filesLimit', () => fail(invalid(field, `At most ${max} files go with one call.`, 'too_big')))
  form.on('partsLimit', () => fail(invalid(field, 'The form has too many parts.', 'too_big')))
  form.on('error', (cause) => fail(new Refusal('upload_broken', { cause })))
  form.on('finish', () => {
    ended = true
    wake()
  })
  const feeding = new AbortController()
  feed(request, form, feeding.signal).catch((cause: unknown) => fail(new Refusal('upload_broken', { cause })))
  let count = 0
  try {
    while (true) {
      const next = waiting.shift()
      if (next !== undefined) {
        count += 1
        yield next
      } else if (refusal !== undefined) throw refusal
      else if (ended) break
      else {
        await woken.promise
        woken = Promise.withResolvers()
      }
    }
    if (count === 0) throw invalid(field, 'Field required', 'missing')
  } finally {
    feeding.abort()
    file?.destroy()
    form.destroy()
  }
}

function openForm(request: Request, max: number): BusboyInstance {
  const type = request.headers.get('content-type') ?? ''
  if (!/^multipart\/form-data\s*;/i.test(type)) throw new Refusal('not_multipart')
  try {
    // As it was sent: what of it is a path is ours to tell.
    return new Busboy({ headers: { 'content-type': type }, preservePath: true, limits: { ...LIMITS, files: max } })
  } catch (cause) {
    throw new Refusal('not_multipart', { cause })
  }
}

/** Hands the body on, no faster than it is taken. Ends the form when the body ends. */
async function feed(request: Request, form: BusboyInstance, stop: AbortSignal): Promise<void> {
  const reader = request.body?.getReader()
  // Also where the other side has gone: nothing else tells of that while nothing comes.
  const gone = AbortSignal.any([stop, request.signal])
  const cancel = () => void reader?.cancel().catch(() => {})
  gone.addEventListener('abort', cancel, { once: true })
  try {
    while (reader !== undefined) {
      const { value, done } = await reader.read()
      if (request.signal.aborted) throw new Error('The caller has gone.')
      if (done || stop.aborted) break
      if (!form.write(value)) await once(form, 'drain', { signal: gone })
    }
    if (!stop.aborted) form.end()
  } finally {
    gone.removeEventListener('abort', cancel)
  }
}

/** What a form's stream breaks with is told as what the form broke with. */
async function* bytesOf(stream: Readable, refusal: () => Refusal | undefined): AsyncGenerator<Uint8Array> {
  try {
    yield* stream
  } catch (cause) {
    throw refusal() ?? new Refusal('upload_broken', { cause })
  }
}

function invalid(field: string, msg: string, type: string): Refusal {
  return new Refusal('invalid', { issues: [{ loc: ['body', field], msg, type }] })
}
