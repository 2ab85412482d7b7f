import type { Live } from '../live/live.ts'
import type { ChatAccess } from './access.ts'
import type { AnsweringService } from './answering.ts'
import type { BranchService } from './branches.ts'
import type { ChatService } from './chats.ts'
import type { ChatExporter } from './export.ts'
import type { ExtensionService } from './extensions.ts'
import type { Forks } from './forks.ts'
import type { ChatImporter } from './import.ts'
import type { ChatLog } from './log.ts'
import type { MessageService } from './messages.ts'
import type { PromotedChats } from './promoted-chats.ts'
import type { ChatReader } from './reader.ts'
import type { SearchService } from './search.ts'

/** All that works on chats. */
export type ChatServices = {
  chats: ChatService
  messages: MessageService
  extensions: ExtensionService
  branches: BranchService
  reader: ChatReader
  forks: Forks
  search: SearchService
  exporter: ChatExporter
  importer: ChatImporter
  promoted: PromotedChats
  answering: AnsweringService
  log: ChatLog
  access: ChatAccess
  live: Live
}
