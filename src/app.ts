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
import { answerCallbackRoutes } from './api/rest/answer-callback.ts'
import { answeringRoutes } from './api/rest/answering.ts'
import { answerRoutes } from './api/rest/answers.ts'
import { authRoutes } from './api/rest/auth.ts'
import { branchRoutes } from './api/rest/branches.ts'
import { branchingRoutes } from './api/rest/branching.ts'
import { branchingAuthRoutes } from './api/rest/branching-auth.ts'
import { Lines } from './api/rest/branching-lines.ts'
import { chatChangeRoutes } from './api/rest/chat-changes.ts'
import { chatEventRoutes } from './api/rest/chat-events.ts'
import { chatSupportRoutes } from './api/rest/chat-support.ts'
import { chatRoutes } from './api/rest/chats.ts'
import { deskRoutes } from './api/rest/desk.ts'
import { downloadRoutes } from './api/rest/downloads.ts'
import { extensionRoutes } from './api/rest/extensions.ts'
import { fileRoutes } from './api/rest/files.ts'
import { messageRoutes } from './api/rest/messages.ts'
import { searchRoutes } from './api/rest/search.ts'
import { promotionRoutes } from './api/rest/session-promotion.ts'
import { sessionRoutes } from './api/rest/sessions.ts'
import { supportRoutes } from './api/rest/support.ts'
import { supportDeskRoutes } from './api/rest/support-desk.ts'
import { transferRoutes } from './api/rest/transfer.ts'
import { uiStreamRoutes } from './api/rest/ui-stream.ts'
import { visitorRoutes } from './api/rest/visitors.ts'
import { trpcRoutes } from './api/trpc/mount.ts'
import { createRouter } from './api/trpc/router.ts'
import { Allowances } from './api/ws/allowances.ts'
import { chatSocket } from './api/ws/chat.ts'
import { deskSocket } from './api/ws/desk.ts'
import { Hub, SOCKET_SETTINGS } from './api/ws/hub.ts'
import { liveSocket } from './api/ws/live.ts'
import { liveParts } from './api/ws/live-socket.ts'
import { sessionSocket } from './api/ws/sessions.ts'
import type { Config } from './config.ts'
import { UPLOAD_FILES_MAX } from './contract/files.ts'
import type { AccountService } from './domain/accounts/service.ts'
import type { AnswerCallbacks } from './domain/answers/callbacks.ts'
import type { ClientTurns } from './domain/answers/client-turns.ts'
import type { AnswerService } from './domain/answers/service.ts'
import type { ChatServices } from './domain/chats/services.ts'
import type { DeskService } from './domain/desk/service.ts'
import type { FileService } from './domain/files/service.ts'
import type { Bus, Probe } from './domain/ports.ts'
import type { SessionPromoter } from './domain/sessions/promotion.ts'
import type { SessionService } from './domain/sessions/service.ts'
import type { SupportDesk } from './domain/support/desk.ts'
import type { SupportDeskFeed } from './domain/support/desk-feed.ts'
import type { SupportHandOver } from './domain/support/hand-over.ts'
import type { SupportService } from './domain/support/service.ts'

export type Services = {
  accounts: AccountService
  sessions: SessionService
  promoter: SessionPromoter
  chats: ChatServices
  answers: AnswerService
  callbacks: AnswerCallbacks
  turns: ClientTurns
  desk: DeskService
  support: SupportService
  supportDesk: SupportDesk
  handOver: SupportHandOver
  deskFeed: SupportDeskFeed
  files: FileService
  bus: Bus
  /** What the health report asks, by name. */
  probes: Readonly<Record<string, Probe>>
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** What Bun takes at all: an import, or as many files as go with one call. Every route has a limit of its own. */
function bodyMaxOf({ uploads }: Config): number {
  return Math.max(67_108_864, UPLOAD_FILES_MAX * uploads.maxBytes + 1_048_576)
}

/** The whole server but its stores: every route and socket, and the two that the process shuts them down by. */
export function createApp(services: Services, config: Config, logger: Logger) {
  const log = new RequestLog(logger)
  const { chats } = services
  const { authenticator } = services.accounts
  const origins = originRule(config)
  const hub = new Hub({
    bus: services.bus,
    holders: services.accounts.holders,
    originAllowed: origins,
    perAddress: config.sockets.perAddress,
  })
  const allowances = new Allowances(config.sockets.framesPerSecond)
  const health = new HealthReport(config, services.probes)
  // Called when the routes below are there.
  const methodsOf = (path: string): string[] => METHODS.filter((method) => app.router.http.find(method, path) !== null)
  const routes = (): readonly Route[] => app.routes
  const app = new Elysia({
    websocket: SOCKET_SETTINGS,
    serve: { maxRequestBodySize: bodyMaxOf(config), reusePort: false, development: false },
  })
    .use(requestLog(log))
    .use(securityHeaders)
    .use(hostGuard)
    .use(crossOrigin(origins, log))
    .use(failureResponses(log, methodsOf))
    .use(healthRoutes(health, config))
    .use(authRoutes(services.accounts, config))
    .use(branchingAuthRoutes(services.accounts, config))
    .use(accountRoutes(services.accounts))
    .use(visitorRoutes(services.accounts))
    .use(chatRoutes(chats, services.answers, authenticator))
    .use(chatChangeRoutes(chats, authenticator))
    .use(chatEventRoutes(chats, services.accounts, health.draining))
    .use(messageRoutes(chats, authenticator))
    .use(answerCallbackRoutes(services.callbacks, log))
    .use(answerRoutes(services.answers, authenticator))
    .use(answeringRoutes(chats.answering, authenticator))
    .use(uiStreamRoutes(services.turns, chats, services.accounts, health.draining))
    .use(branchRoutes(chats, authenticator))
    .use(searchRoutes(chats, authenticator))
    .use(transferRoutes(chats, authenticator))
    .use(extensionRoutes(chats, authenticator, config))
    .use(fileRoutes(services.files, authenticator, config))
    .use(downloadRoutes(services.files, authenticator))
    .use(branchingRoutes(new Lines(chats, services.answers), authenticator))
    .use(deskRoutes(services.desk, authenticator, config))
    .use(supportRoutes(services.support, authenticator, config))
    .use(chatSupportRoutes(services.handOver, authenticator))
    .use(supportDeskRoutes(services.supportDesk, authenticator))
    .use(sessionRoutes(services.sessions, authenticator, config))
    .use(liveSocket(liveParts(services, hub, allowances, logger), config))
    .use(chatSocket({ chats, authenticator, hub, allowances, log: logger }, config))
    .use(promotionRoutes(services.promoter, authenticator, config))
    .use(sessionSocket(services.sessions, authenticator, hub, config, logger))
    .use(deskSocket({ desk: services.desk, authenticator, hub, live: chats.live, log: logger }, config))
    .use(trpcRoutes(() => createRouter(services, config), config, log, health.draining))
    .use(docsRoutes(config, routes))

  return { app, hub, health }
}
