type Stored = Uint8Array<ArrayBuffer>

/**
 * As much of S3 as our adapter asks for, in memory: objects of one bucket. A caller with another key is
 * refused; signatures are taken as they come.
 */
export function startS3(): {
  endpoint: string
  bucket: string
  accessKeyId: string
  objects: Map<string, Stored>
  stop(): Promise<void>
} {
  const bucket = 'parley-test'
  const accessKeyId = 'test-key'
  const objects = new Map<string, Stored>()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      const signed = request.headers.get('authorization') ?? `Credential=${searchParams.get('X-Amz-Credential')}`
      if (!signed.includes(`Credential=${accessKeyId}/`)) return failure(403, 'AccessDenied')
      if (!pathname.startsWith(`/${bucket}/`)) return failure(404, 'NoSuchBucket')
      const key = decodeURIComponent(pathname.slice(bucket.length + 2))
      switch (request.method) {
        case 'PUT': {
          const bytes = await request.bytes()
          objects.set(key, bytes)
          return new Response(null, { headers: { etag: `"${Bun.hash(bytes)}"` } })
        }
        case 'HEAD':
        case 'GET': {
          const bytes = objects.get(key)
          if (bytes === undefined) return failure(404, 'NoSuchKey')
          if (request.method === 'HEAD')
            return new Response(null, { headers: { 'content-length': String(bytes.length) } })
          const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('range') ?? '') ?? []
          if (start === undefined) return new Response(bytes)
          return new Response(bytes.subarray(Number(start), end ? Number(end) + 1 : undefined), { status: 206 })
        }
        case 'DELETE':
          objects.delete(key)
          return new Response(null, { status: 204 })
        default:
          return failure(405, 'MethodNotAllowed')
      }
    },
  })
  return { endpoint: server.url.origin, bucket, accessKeyId, objects, stop: () => server.stop(true) }
}

function xml(text: string, status = 200): Response {
  return new Response(text, { status, headers: { 'content-type': 'application/xml' } })
}

function failure(status: number, code: string): Response {
  return xml(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`, status)
}
