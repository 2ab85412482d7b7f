import type { Config } from '../../config.ts'
import type { SessionService } from '../../domain/sessions/service.ts'
import { router } from './init.ts'
import { sessionsRouter } from './sessions.ts'

export function createRouter(services: { sessions: SessionService }, config: Config) {
  return router({ sessions: sessionsRouter(services.sessions, config) })
}

export type Router = ReturnType<typeof createRouter>
