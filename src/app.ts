import { Elysia } from 'elysia'
import type { Logger } from 'pino'
import type { Route } from './api/docs/operation.ts'
import { docsRoutes } from './api/docs.ts'
import { HealthReport, healthRoutes } from './api/health.ts'
import { failureResponses } from './api/plugins/failures.ts'
import { crossOrigin, originRule } from './api/plugins/origins.ts'
import { hostGuard, securityHeaders } from './api/plugins/protection.ts'
import { RequestLog, requestLog } from './api/plugins/request-log.ts'
import { accountRoutes } from './api/rest/accounts.ts'
import { authRoutes } from './api/rest/auth.ts'
import { branchRoutes } from './api/rest/branches.ts'
import { branchingRoutes } from './api/rest/branching.ts'
import { branchingAuthRoutes } from './api/rest/branching-auth.ts'
import { Lines } from './api/rest/branching-lines.ts'
import { chatChangeRoutes } from './api/rest/chat-changes.ts'
import { chatRoutes } from './api/rest/chats.ts'
import { messageRoutes } from './api/rest/messages.ts'
import { searchRoutes } from './api/rest/search.ts'
import { sessionRoutes } from './api/rest/sessions.ts'
import { transferRoutes } from './api/rest/transfer.ts'
import { trpcRoutes } from './api/trpc/mount.ts'
import { createRouter } from './api/trpc/router.ts'
import { Hub, SOCKET_SETTINGS } from './api/ws/hub.ts'
import { sessionSocket } from './api/ws/sessions.ts'
import type { Config } from './config.ts'
import type { AccountService } from './domain/accounts/service.ts'
import type { AnswerService } from './domain/answers/service.ts'
import type { ChatServices } from './domain/chats/services.ts'
import type { Bus, Probe } from './domain/ports.ts'
import type { SessionService } from './domain/sessions/service.ts'

export type Services = {
  accounts: AccountService
  sessions: SessionService
  chats: ChatServices
  answers: AnswerService
  bus: Bus
  /** What the health report asks, by name. */
  probes: Readonly<Record<string, Probe>>
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The whole server but its stores: every route and socket, and the two that the process shuts them down by. */
export function createApp(services: Services, config: Config, logger: Logger) {
  const log = new RequestLog(logger)
  const { chats } = services
  const { authenticator } = services.accounts
  const origins = originRule(config)
  const hub = new Hub(services.bus, origins)
  const health = new HealthReport(config, services.probes)
  // Called when the routes below are there.
  const methodsOf = (path: string): string[] => METHODS.filter((method) => app.router.http.find(method, path) !== null)
  const routes = (): readonly Route[] => app.routes
  const app = new Elysia({
    websocket: SOCKET_SETTINGS,
    serve: { maxRequestBodySize: 67_108_864, reusePort: false, development: false },
  })
    .use(requestLog(log))
    .use(securityHeaders)
    .use(hostGuard)
    .use(crossOrigin(origins, log))
    .use(failureResponses(log, methodsOf))
    .use(healthRoutes(health))
    .use(authRoutes(services.accounts, config))
    .use(branchingAuthRoutes(services.accounts, config))
    .use(accountRoutes(services.accounts))
    .use(chatRoutes(chats, authenticator))
    .use(chatChangeRoutes(chats, authenticator))
    .use(messageRoutes(chats, authenticator))
    .use(branchRoutes(chats, authenticator))
    .use(searchRoutes(chats, authenticator))
    .use(transferRoutes(chats, authenticator))
    .use(branchingRoutes(new Lines(chats, services.answers), authenticator))
    .use(sessionRoutes(services.sessions, authenticator, config))
    .use(sessionSocket(services.sessions, authenticator, hub, config, logger))
    .use(trpcRoutes(createRouter(services, config), config, log, health.draining))
    .use(docsRoutes(config, routes))

  return { app, hub, health }
}
