import type { Context, ElysiaCustomStatusResponse } from 'elysia'
import { wholeResponse } from './whole-response.ts'

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
  const headers = {
    'content-type': type,
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
  }
  return wholeResponse(set, body, { status: 200, headers })
}
