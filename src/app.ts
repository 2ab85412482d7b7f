import { Elysia } from 'elysia'
import type { Logger } from 'pino'
import { docsRoutes } from './api/docs.ts'
import { HealthReport, healthRoutes } from './api/health.ts'
import type { Route } from './api/docs/operation.ts'
import { failureResponses } from './api/plugins/failures.ts'
import { crossOrigin, originRule } from './api/plugins/origins.ts'
import { hostGuard, securityHeaders } from './api/plugins/protection.ts'
import { RequestLog, requestLog } from './api/plugins/request-log.ts'
import { sessionRoutes } from './api/rest/sessions.ts'
import { sessionSocket } from './api/ws/sessions.ts'
import { Hub, SOCKET_SETTINGS } from './api/ws/hub.ts'
import { trpcRoutes } from './api/trpc/mount.ts'
import { createRouter } from './api/trpc/router.ts'
import type { Config } from './config.ts'
import type { Bus, Probe } from './domain/ports.ts'
import type { SessionService } from './domain/sessions/service.ts'

export type Services = {
  sessions: SessionService
  bus: Bus
  /** What the health report asks, by name. */
  probes: Readonly<Record<string, Probe>>
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The whole server but its stores: every route and socket, and the two that the process shuts them down by. */
export function createApp(services: Services, config: Config, logger: Logger) {
  const log = new RequestLog(logger)
  const origins = originRule(config)
  const hub = new Hub(services.bus, origins)
  const health = new HealthReport(config, services.probes)
  // Called when the routes below are there.
  const methodsOf = (path: string): string[] => METHODS.filter((method) => app.router.http.find(method, path) !== null)
  const routes = (): readonly Route[] => app.routes
  const app = new Elysia({
    websocket: SOCKET_SETTINGS,
    serve: { maxRequestBodySize: 33_554_432, reusePort: false, development: false },
  })
    .use(hostGuard)
    .use(requestLog(log))
    .use(securityHeaders)
    .use(crossOrigin(origins))
    .use(failureResponses(log, methodsOf))
    .use(healthRoutes(health))
    .use(sessionRoutes(services.sessions, config))
    .use(sessionSocket(services.sessions, hub, config, logger))
    .use(trpcRoutes(createRouter(services, config), log))
    .use(docsRoutes(config, routes))

  return { app, hub, health }
}
