import type { Context, ElysiaCustomStatusResponse } from 'elysia'
import type { OpenFile } from '../../domain/files/service.ts'
import { Refusal } from '../../domain/refusal.ts'
import { wholeResponse } from '../whole-response.ts'

type Sent<Body> = ElysiaCustomStatusResponse<200, Body>

/**
 * A file's bytes, or the part that a `Range` asks for; 304 for who has them already. Always to be saved, never shown as a
 * page of ours: what is in it is its uploader's.
 */
export async function sentFile<Body>(set: Context['set'], request: Request, file: OpenFile): Promise<Sent<Body>> {
  const etag = `"${file.sha256}"`
  const headers = {
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': dispositionOf(file.name),
    'content-type': file.mime_type,
    etag,
  }
  if (knows(request, etag)) return wholeResponse(set, null, { status: 304, headers })
  const range = rangeIn(request, etag, file.size)
  if (range === 'none') {
    set.headers['content-range'] = `bytes */${file.size}`
    throw new Refusal('range_invalid')
  }
  const bytes = await file.bytes(range)
  if (range === undefined) {
    return wholeResponse(set, bytes, { status: 200, headers: { ...headers, 'content-length': String(file.size) } })
  }
  const part = {
    'content-length': String(range.end - range.start),
    'content-range': `bytes ${range.start}-${range.end - 1}/${file.size}`,
  }
  return wholeResponse(set, bytes, { status: 206, headers: { ...headers, ...part } })
}

/** An image of ours, to be shown. */
export function sentPreview<Body>(
  set: Context['set'],
  request: Request,
  { sha256, bytes }: { sha256: string; bytes: ReadableStream<Uint8Array> },
): Sent<Body> {
  const etag = `"${sha256}-preview"`
  const headers = { 'cache-control': 'private, no-cache', 'content-type': 'image/webp', etag }
  if (!knows(request, etag)) return wholeResponse(set, bytes, { status: 200, headers })
  void bytes.cancel().catch(() => {})
  return wholeResponse(set, null, { status: 304, headers })
}

function knows(request: Request, etag: string): boolean {
  const known = request.headers.get('if-none-match')?.split(',') ?? []
  return known.some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
}

/** `undefined`: all of it, also where the part is of another version, or several are asked for. `'none'`: no such part. */
function rangeIn(request: Request, etag: string, size: number): { start: number; end: number } | 'none' | undefined {
  const only = request.headers.get('if-range')
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/i.exec(request.headers.get('range')?.trim() ?? '') ?? []
  if ((from === '' && to === '') || (only !== null && only.trim() !== etag)) return undefined
  if (from === '') return Number(to) === 0 ? 'none' : { start: Math.max(0, size - Number(to)), end: size }
  const start = Number(from)
  if (start >= size) return 'none'
  if (to === '') return { start, end: size }
  return Number(to) < start ? undefined : { start, end: Math.min(Number(to) + 1, size) }
}

/** RFC 6266: the name as it is for who reads RFC 8187, and in letters that no parser stumbles over for who does not. */
export function dispositionOf(name: string): string {
  const plain = name.replace(/[^\w .()+,=@-]/g, '_')
  const exact = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`
}
