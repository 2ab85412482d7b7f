import { OwnExtractor } from './adapters/extraction/own.ts'
import { PreviewService } from './adapters/extraction/service.ts'
import type { Config } from './config.ts'
import type { Database } from './db/open.ts'
import type { ChatLog } from './domain/chats/log.ts'
import { FileStore } from './domain/files/file-store.ts'
import { FileLinks } from './domain/files/links.ts'
import { ProcessingStore } from './domain/files/processing-store.ts'
import { FileProcessor } from './domain/files/processor.ts'
import { BlobRemoval } from './domain/files/removal.ts'
import { FileService } from './domain/files/service.ts'
import type { BlobStore, Extractor, FileTyper, Jobs } from './domain/ports.ts'

/** How long a link to a file is good. */
const LINK_SECONDS = 900

/** All that works on files. */
export type FileServices = {
  files: FileService
  processing: ProcessingStore
  processor: FileProcessor
  removal: BlobRemoval
}

/** The first of the secrets signs links, and those that any of them signed are good. */
export function openFiles(
  config: Config,
  parts: {
    database: Database
    log: ChatLog
    blobs: BlobStore
    jobs: Jobs
    typer: FileTyper
    secrets: readonly string[]
    extractor?: Extractor
  },
): FileServices {
  const { database, log, blobs, jobs, typer, secrets, extractor = extractorOf(config) } = parts
  const store = new FileStore(database)
  const processing = new ProcessingStore(database)
  const removal = new BlobRemoval(store, blobs)
  const links = new FileLinks(secrets, LINK_SECONDS)
  return {
    files: new FileService({ store, blobs, typer, links, removal, jobs, limits: config.uploads }),
    processing,
    processor: new FileProcessor({ files: store, store: processing, blobs, removal, extractor, log }),
    removal,
  }
}

function extractorOf({ previewService }: Config): Extractor {
  const own = new OwnExtractor()
  return previewService === undefined ? own : new PreviewService(previewService, own)
}
