import type { Context, ElysiaCustomStatusResponse } from 'elysia'
import { wholeResponse } from './whole-response.ts'

/** Under Bun's idle timeout, and under that of most proxies. */
const BEAT_MS = 10_000

/** One event of a stream: a client that comes back sends its id as `Last-Event-ID`. */
export type StreamEvent = { id?: number /** In one line. */; data: string }

/**
 * Answers with Server-Sent Events. The next is asked for when the one before has gone out; a fault on the way ends the
 * stream, and the client comes back for the rest. `onEnd` is called once, however it ends.
 */
export function eventStream<Body>(
  set: Context['set'],
  events: AsyncGenerator<StreamEvent>,
  onEnd: () => void,
  more: Record<string, string> = {},
): ElysiaCustomStatusResponse<200, Body> {
  let beat: ReturnType<typeof setInterval> | undefined
  const end = () => {
    if (beat === undefined) return
    clearInterval(beat)
    beat = undefined
    onEnd()
  }
  const body = new ReadableStream<Uint8Array>({
    start(stream) {
      stream.enqueue(Buffer.from('retry: 1000\n\n'))
      // A reader that takes nothing needs no sign of life.
      beat = setInterval(() => (stream.desiredSize ?? 0) > 0 && stream.enqueue(Buffer.from(':\n\n')), BEAT_MS)
    },
    async pull(stream) {
      try {
        const { value, done } = await events.next()
        if (done !== true) return stream.enqueue(Buffer.from(textOf(value)))
        stream.close()
      } catch (fault) {
        stream.error(fault)
      }
      end()
    },
    async cancel() {
      end()
      await events.return(undefined)
    },
  })
  const headers = {
    'content-type': 'text/event-stream;charset=utf-8',
    'cache-control': 'no-store',
    // Proxies hand it on as it comes.
    'x-accel-buffering': 'no',
    ...more,
  }
  return wholeResponse(set, body, { status: 200, headers })
}

function textOf({ id, data }: StreamEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`
}
