import type { Database } from './db/open.ts'
import { ChatAccess } from './domain/chats/access.ts'
import { BranchService } from './domain/chats/branches.ts'
import { ChatStore } from './domain/chats/chat-store.ts'
import { ChatService } from './domain/chats/chats.ts'
import { History } from './domain/chats/history.ts'
import { HistoryStore } from './domain/chats/history-store.ts'
import { ChatLog } from './domain/chats/log.ts'
import { LogStore } from './domain/chats/log-store.ts'
import { MessageStore } from './domain/chats/message-store.ts'
import { MessageService } from './domain/chats/messages.ts'
import type { Bus } from './domain/ports.ts'

export type ChatServices = {
  chats: ChatService
  messages: MessageService
  branches: BranchService
  log: ChatLog
  access: ChatAccess
}

/** All that works on chats, over one database and one bus. */
export async function openChats(database: Database, bus: Bus): Promise<ChatServices> {
  const store = new ChatStore(database)
  const reads = new HistoryStore(database)
  const messages = new MessageStore(database)
  const history = new History(reads)
  const log = new ChatLog(new LogStore(database), bus)
  const access = new ChatAccess(store, bus)
  await access.start()
  return {
    chats: new ChatService(store, log, access),
    messages: new MessageService({ store: messages, reads, history, log, access }),
    branches: new BranchService({ store, messages, reads, history, log, access }),
    log,
    access,
  }
}
