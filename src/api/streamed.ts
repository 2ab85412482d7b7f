import type { Context, ElysiaCustomStatusResponse } from 'elysia'

/**
 * Answers with a file of text that is made as it is read: a part is asked for when the one before has been sent. A
 * fault on the way breaks the connection, so that nobody takes the part for the whole. `name` is one of ours:
 * letters, digits, dots and dashes.
 */
export function streamed<Body>(
  set: Context['set'],
  parts: AsyncGenerator<string>,
  { type, name }: { type: string; name: string },
): ElysiaCustomStatusResponse<200, Body> {
  // A header that may come several times, which Elysia keeps as a list, is a cookie's only; those are not in here.
  const headers = {
    ...set.headers,
    'content-type': type,
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
  } as Record<string, string>
  set.headers = {}
  const body = new ReadableStream<Uint8Array>({
    async pull(stream) {
      const { value, done } = await parts.next()
      if (done) stream.close()
      else stream.enqueue(Buffer.from(value))
    },
    async cancel() {
      await parts.return(undefined)
    },
  })
  // Elysia sends a Response as it is; the type says to it and to Eden what the body holds.
  return new Response(body, { headers }) as unknown as ElysiaCustomStatusResponse<200, Body>
}
