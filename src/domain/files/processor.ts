import type { ChatLog } from '../chats/log.ts'
import { type BlobStore, type Extracted, ExtractionFault, type Extractor } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import type { FileStore } from './file-store.ts'
import { pathOf } from './links.ts'
import type { ProcessingStore } from './processing-store.ts'
import type { BlobRemoval } from './removal.ts'
import { previewName } from './rows.ts'

/** So often reading a file is tried, unless the server itself is ended meanwhile. */
const TRIES_MAX = 5
/** As long as a preview takes to be written and committed, many times over. */
const PREVIEW_SECONDS = 600

/** Reads files: the text in them, a preview, and tells the chats that show them. */
export class FileProcessor {
  readonly #files: FileStore
  readonly #store: ProcessingStore
  readonly #blobs: BlobStore
  readonly #removal: BlobRemoval
  readonly #extractor: Extractor
  readonly #log: ChatLog

  constructor(parts: {
    files: FileStore
    store: ProcessingStore
    blobs: BlobStore
    removal: BlobRemoval
    extractor: Extractor
    log: ChatLog
  }) {
    this.#files = parts.files
    this.#store = parts.store
    this.#blobs = parts.blobs
    this.#removal = parts.removal
    this.#extractor = parts.extractor
    this.#log = parts.log
  }

  /** A file that was read before is only told of, where that is missing. Throws what may pass, until the fifth time. */
  async process(fileId: string, signal: AbortSignal): Promise<{ dead: string } | undefined> {
    const file = await this.#store.begin(fileId)
    let dead: string | undefined
    if (file !== undefined) {
      const bytes = async () => {
        const found = await this.#blobs.read(fileId)
        if (found === undefined) throw new Refusal('file_missing')
        return found
      }
      try {
        await this.#keep(fileId, await this.#extractor.extract(file, bytes, signal))
      } catch (fault) {
        // The process is about to end: that says nothing of the file.
        if (signal.aborted || (await this.#store.missed(fileId)) < TRIES_MAX) throw fault
        dead = reasonOf(fault)
        await this.#keep(fileId, { failed: true, content: null, reason: dead, preview: undefined })
      }
    }
    for (const chatId of await this.#store.untold(fileId)) await this.#tell(fileId, chatId)
    return dead === undefined ? undefined : { dead }
  }

  async #keep(fileId: string, extracted: Extracted): Promise<void> {
    const name = previewName(fileId)
    const { preview } = extracted
    if (preview !== undefined) {
      await this.#files.expect(name, PREVIEW_SECONDS)
      // A try before this one may have got so far.
      await this.#blobs.remove(name)
      await this.#blobs.write(name, once(preview))
    }
    if (await this.#store.finish(fileId, extracted)) return
    // Another process was faster: its preview has the same name, and is the same. Or the file was deleted meanwhile.
    if (preview !== undefined && (await this.#store.keepPreview(fileId))) return
    if ((await this.#files.find(fileId, null)) === undefined) await this.#removal.remove([name])
  }

  async #tell(fileId: string, chatId: string): Promise<void> {
    await this.#log.change({ kind: 'service' }, chatId, async (transaction) => {
      const told = await this.#store.tell(transaction, fileId, chatId)
      return {
        events: told.map(({ message_id, state, reason, has_preview }) => ({
          type: 'file.processed' as const,
          data: {
            message_id,
            file_id: fileId,
            state,
            preview_url: has_preview ? pathOf(fileId, 'preview') : null,
            reason,
          },
        })),
        result: undefined,
      }
    })
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** For its owner: of faults of our own there is nothing to be told. */
function reasonOf(fault: unknown): string {
  return fault instanceof ExtractionFault || fault instanceof Refusal ? fault.message : 'The file cannot be read.'
}
