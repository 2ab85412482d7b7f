import { Elysia } from 'elysia'
import type { Logger } from 'pino'
import { Refusal } from '../../domain/refusal.ts'

/** A request id that a proxy gave is kept if it is one. */
const REQUEST_ID = /^[\w.:-]{8,128}$/

/** One structured line for each request, and the id that ties its faults to it. */
export class RequestLog {
  readonly #logger: Logger
  /** For the lines of requests: these hold nothing to redact, and looking for it takes longer than all else of a line. */
  readonly #lines: Logger
  readonly #requests = new WeakMap<Request, { id: string; at: number; quiet?: true }>()

  constructor(logger: Logger) {
    this.#logger = logger
    this.#lines = logger.child({}, { redact: [] })
  }

  begin(request: Request): string {
    const given = request.headers.get('x-request-id')
    const id = given !== null && REQUEST_ID.test(given) ? given : Bun.randomUUIDv7()
    this.#requests.set(request, { id, at: performance.now() })
    return id
  }

  requestId(request: Request): string {
    return this.#requests.get(request)?.id ?? this.begin(request)
  }

  /** One of very many: it has a line only where everything has. */
  quiet(request: Request): void {
    const begun = this.#requests.get(request)
    if (begun !== undefined) begun.quiet = true
  }

  end(request: Request, status: number): void {
    const begun = this.#requests.get(request)
    if (begun === undefined) return
    const level = begun.quiet ? 'debug' : 'info'
    if (!this.#lines.isLevelEnabled(level)) return
    const ms = Math.round((performance.now() - begun.at) * 100) / 100
    // The query is left out: that is where sockets carry tokens.
    this.#lines[level](
      { request_id: begun.id, method: request.method, path: pathOf(request.url), status, ms },
      'request',
    )
  }

  /** A fault of ours or of what we stand on: told to the log in full, to the client not at all. */
  fault(request: Request, error: unknown): void {
    const cause = error instanceof Refusal ? (error.cause ?? error) : error
    this.#logger.error({ request_id: this.requestId(request), path: pathOf(request.url), err: cause }, 'request failed')
  }
}

function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.indexOf('?', start)
  return end === -1 ? url.slice(start) : url.slice(start, end)
}

export function requestLog(log: RequestLog) {
  return new Elysia({ name: 'request-log' })
    .onRequest(({ request, set }) => {
      set.headers['x-request-id'] = log.begin(request)
    })
    .onAfterResponse({ as: 'global' }, ({ request, set, responseValue }) => {
      const status = responseValue instanceof Response ? responseValue.status : set.status
      log.end(request, typeof status === 'number' ? status : 200)
    })
}
