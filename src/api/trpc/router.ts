import type { Config } from '../../config.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import type { DeskService } from '../../domain/desk/service.ts'
import type { FileService } from '../../domain/files/service.ts'
import type { SessionPromoter } from '../../domain/sessions/promotion.ts'
import type { SessionService } from '../../domain/sessions/service.ts'
import type { SupportDesk } from '../../domain/support/desk.ts'
import type { SupportDeskFeed } from '../../domain/support/desk-feed.ts'
import type { SupportHandOver } from '../../domain/support/hand-over.ts'
import type { SupportService } from '../../domain/support/service.ts'
import { accountsRouter } from './accounts.ts'
import { answersRouter } from './answers.ts'
import { branchesRouter } from './branches.ts'
import { chatsRouter } from './chats.ts'
import { deskRouter } from './desk.ts'
import { extensionsRouter } from './extensions.ts'
import { filesRouter } from './files.ts'
import { router } from './init.ts'
import { messagesRouter } from './messages.ts'
import { searchRouter } from './search.ts'
import { sessionsRouter } from './sessions.ts'
import { supportRouter } from './support.ts'
import { supportDeskRouter } from './support-desk.ts'
import { visitorsRouter } from './visitors.ts'

export function createRouter(
  services: {
    accounts: AccountService
    chats: ChatServices
    answers: AnswerService
    desk: DeskService
    support: SupportService
    supportDesk: SupportDesk
    handOver: SupportHandOver
    deskFeed: SupportDeskFeed
    files: FileService
    sessions: SessionService
    promoter: SessionPromoter
  },
  config: Config,
) {
  const { chats } = services
  const { authenticator } = services.accounts
  return router({
    accounts: accountsRouter(services.accounts),
    visitors: visitorsRouter(services.accounts),
    chats: chatsRouter(chats, services.accounts),
    messages: messagesRouter(chats, services.answers, authenticator),
    answers: answersRouter(services.answers, chats.answering, authenticator),
    branches: branchesRouter(chats, authenticator),
    search: searchRouter(chats, authenticator),
    extensions: extensionsRouter(chats, authenticator, config),
    files: filesRouter(services.files, authenticator),
    desk: deskRouter(services.desk, authenticator, config),
    support: supportRouter(services.support, authenticator, config),
    supportDesk: supportDeskRouter(services.supportDesk, services.handOver, services.deskFeed, services.accounts),
    sessions: sessionsRouter(services, services.accounts, config),
  })
}

export type Router = ReturnType<typeof createRouter>
