import type { Database } from './db/open.ts'
import { AnswerStore, refOf } from './domain/answers/answer-store.ts'
import { ChatAccess } from './domain/chats/access.ts'
import { ANSWERING_DEFAULTS, type AnsweringDefaults, AnsweringService } from './domain/chats/answering.ts'
import { AnsweringStore } from './domain/chats/answering-store.ts'
import { BranchService } from './domain/chats/branches.ts'
import { ChatStore } from './domain/chats/chat-store.ts'
import { ChatService } from './domain/chats/chats.ts'
import { ChatExporter } from './domain/chats/export.ts'
import { ExportStore } from './domain/chats/export-store.ts'
import { ExtensionStore } from './domain/chats/extension-store.ts'
import { ExtensionService } from './domain/chats/extensions.ts'
import { ForkStore } from './domain/chats/fork-store.ts'
import { Forks } from './domain/chats/forks.ts'
import { History } from './domain/chats/history.ts'
import { HistoryStore } from './domain/chats/history-store.ts'
import { ChatImporter } from './domain/chats/import.ts'
import { ImportStore } from './domain/chats/import-store.ts'
import { ChatLog } from './domain/chats/log.ts'
import { LogStore } from './domain/chats/log-store.ts'
import { MessageStore } from './domain/chats/message-store.ts'
import { MessageService } from './domain/chats/messages.ts'
import { PromotedChats } from './domain/chats/promoted-chats.ts'
import { PromotionStore } from './domain/chats/promotion-store.ts'
import { ChatReader } from './domain/chats/reader.ts'
import { SearchService } from './domain/chats/search.ts'
import { SearchStore } from './domain/chats/search-store.ts'
import type { ChatServices } from './domain/chats/services.ts'
import { SnapshotStore } from './domain/chats/snapshot-store.ts'
import { Live } from './domain/live/live.ts'
import { LiveAnswers } from './domain/live/live-answers.ts'
import type { AnswerBuffer, Bus } from './domain/ports.ts'

export type { ChatServices }

/** All that works on chats, over one database, one bus, and one buffer of answers. `defaults`: where a chat says nothing. */
export async function openChats(
  database: Database,
  bus: Bus,
  buffer: AnswerBuffer,
  defaults: Partial<AnsweringDefaults> = {},
): Promise<ChatServices> {
  const store = new ChatStore(database)
  const reads = new HistoryStore(database)
  const messageStore = new MessageStore(database)
  const history = new History(reads)
  const log = new ChatLog(new LogStore(database), bus)
  const access = new ChatAccess(store, bus)
  await access.start()
  const chats = new ChatService(store, log, access)
  const answering = new AnsweringService(new AnsweringStore(database), log, access, {
    ...ANSWERING_DEFAULTS,
    ...defaults,
  })
  const answerStore = new AnswerStore(database)
  const running = async (chatId: string) =>
    (await answerStore.runningOf(chatId))
      .filter(({ status }) => status === 'processing')
      .map((answer) => ({ ...refOf(answer), begun: answer.begun }))
  const live = new Live({
    log,
    access,
    snapshots: new SnapshotStore(database),
    bus,
    answers: new LiveAnswers({ buffer, running }),
  })
  await live.start()
  const messages = new MessageService({ store: messageStore, reads, history, log, access })
  return {
    chats,
    messages,
    extensions: new ExtensionService({ store: new ExtensionStore(database), messageStore, messages, log }),
    branches: new BranchService({ store, messages: messageStore, reads, history, log, access }),
    reader: new ChatReader({ chats, messages, history, reads, log }),
    forks: new Forks(new ForkStore(database), access),
    exporter: new ChatExporter({ store: new ExportStore(database), reads, history, access }),
    importer: new ChatImporter(new ImportStore(database), answering),
    promoted: new PromotedChats(new PromotionStore(database)),
    search: new SearchService({ store: new SearchStore(database), reads, access }),
    answering,
    log,
    access,
    live,
  }
}
