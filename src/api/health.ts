import { Elysia, status } from 'elysia'
import { z } from 'zod'
import type { Config } from '../config.ts'
import { failures } from '../contract/failures.ts'
import { Greeting, Health, Liveness, Unhealthy } from '../contract/health.ts'
import type { Probe } from '../domain/ports.ts'

export class HealthReport {
  readonly #config: Config
  readonly #probes: Readonly<Record<string, Probe>>
  readonly #drain = new AbortController()

  constructor(config: Config, probes: Readonly<Record<string, Probe>>) {
    this.#config = config
    this.#probes = probes
  }

  /** From now on the server is not ready: a balancer sends nobody here. */
  drain(): void {
    this.#drain.abort()
  }

  /** Aborts as the server begins to shut down: what would go on for ever ends then. */
  get draining(): AbortSignal {
    return this.#drain.signal
  }

  async take(): Promise<Health> {
    const checks = Object.fromEntries(
      await Promise.all(
        Object.entries(this.#probes).map(async ([name, probe]) => {
          const up = await probe.check().then(
            () => true,
            () => false,
          )
          return [name, up ? ('up' as const) : ('down' as const)] as const
        }),
      ),
    )
    const healthy = !this.draining.aborted && Object.values(checks).every((check) => check === 'up')
    return {
      status: healthy ? 'healthy' : 'unhealthy',
      timestamp: new Date().toISOString(),
      service: this.#config.name,
      version: this.#config.version,
      checks,
    }
  }
}

const tags = ['Health']
const LOCATION = { description: 'The page.', schema: { type: 'string' as const }, example: '/docs' }
/** Where a browser that comes to `/` is sent. */
const FIRST_PAGE = '/docs'

export function healthRoutes(report: HealthReport, config: Config) {
  const response = { 200: Health, 503: Unhealthy, ...failures('internal') }
  const told = async () => {
    const health = await report.take()
    return status(health.status === 'healthy' ? 200 : 503, health)
  }
  // A proxy may have put the server under a path of its own.
  const firstPage = new URL(config.publicUrl).pathname.replace(/\/$/, '') + FIRST_PAGE
  return new Elysia({ name: 'rest/health' })
    .get(
      '/',
      ({ request, redirect, set }) => {
        set.headers.vary = 'Origin, Accept'
        if (request.headers.get('accept')?.includes('text/html')) return redirect(firstPage)
        return { status: 'ok' as const, service: config.name }
      },
      {
        response: { 200: Greeting, 302: z.void(), ...failures('internal') },
        detail: {
          tags,
          operationId: 'greet',
          summary: 'Tell that the server is there',
          description: 'A browser (`Accept: text/html`) is sent to a page that people can use.',
          responses: { 302: { description: 'For browsers.', headers: { location: LOCATION } } },
        },
      },
    )
    .get('/api/v1/health', told, {
      response,
      detail: {
        tags,
        operationId: 'reportHealth',
        summary: 'Report the health of the server and of what it depends on',
        description: '503 when a store that is configured does not answer, or while the server is shutting down.',
      },
    })
    .get('/health/ready', told, {
      response,
      detail: {
        tags,
        operationId: 'reportReadiness',
        summary: 'Tell whether to send requests here',
        description: 'For balancers: 503 also from the moment on that the server is told to stop.',
      },
    })
    .get('/health/live', () => ({ status: 'alive' as const }), {
      response: { 200: Liveness, ...failures('internal') },
      detail: {
        tags,
        operationId: 'reportLiveness',
        summary: 'Tell that the process runs',
        description: 'For orchestrators: asks nothing but the process itself.',
      },
    })
}
