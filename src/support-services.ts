import type { Database } from './db/open.ts'
import type { AnswerService } from './domain/answers/service.ts'
import type { ChatServices } from './domain/chats/services.ts'
import { SupportService } from './domain/support/service.ts'
import { SupportStore } from './domain/support/support-store.ts'

type Parts = { database: Database; chats: ChatServices; answers: AnswerService }

/** Live support by people, over chats. */
export function openSupport({ database, chats: { chats, messages, log }, answers }: Parts): SupportService {
  return new SupportService({ store: new SupportStore(database), chats, messages, answers, log })
}
