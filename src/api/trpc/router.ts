import type { Config } from '../../config.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import type { SessionService } from '../../domain/sessions/service.ts'
import { accountsRouter } from './accounts.ts'
import { branchesRouter } from './branches.ts'
import { chatsRouter } from './chats.ts'
import { router } from './init.ts'
import { messagesRouter } from './messages.ts'
import { searchRouter } from './search.ts'
import { sessionsRouter } from './sessions.ts'

export function createRouter(
  services: { accounts: AccountService; chats: ChatServices; sessions: SessionService },
  config: Config,
) {
  const { chats } = services
  const { authenticator } = services.accounts
  return router({
    accounts: accountsRouter(services.accounts),
    chats: chatsRouter(chats, authenticator),
    messages: messagesRouter(chats, authenticator),
    branches: branchesRouter(chats, authenticator),
    search: searchRouter(chats, authenticator),
    sessions: sessionsRouter(services.sessions, authenticator, config),
  })
}

export type Router = ReturnType<typeof createRouter>
