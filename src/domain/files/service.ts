import type { FileWithContent, FileLinks as Links, StoredFile } from '../../contract/files.ts'
import { type AccountActor, type Actor, isPrivileged, type Participant } from '../accounts/actor.ts'
import type { BlobStore, FileTyper, Jobs } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import type { FileStore, NewFile, Viewer } from './file-store.ts'
import type { FileLinks, LinkUse, Signed } from './links.ts'
import { Measured } from './measured.ts'
import { sentName, shownName } from './names.ts'
import type { BlobRemoval } from './removal.ts'
import { type FileRow, fileWithContentOf, previewName, storedFileOf } from './rows.ts'
import { typeOf } from './type.ts'

export type FileLimits = { maxBytes: number; quotaBytes: number }

/** A file as it comes in: its bytes are read once, before the next one is asked for. A chunk is there until the next is. */
export type SentFile = { name: string; bytes: AsyncIterable<Uint8Array> }

/** A file to send: `bytes` opens all of it or a part. */
export type OpenFile = StoredFile & {
  bytes(range?: { start: number; end: number }): Promise<ReadableStream<Uint8Array>>
}

/** So long may an upload take; what it has left behind by then is removed. */
const UPLOAD_SECONDS = 3600

export class FileService {
  readonly #store: FileStore
  readonly #blobs: BlobStore
  readonly #typer: FileTyper
  readonly #links: FileLinks
  readonly #removal: BlobRemoval
  readonly #jobs: Jobs
  readonly #limits: FileLimits

  constructor(parts: {
    store: FileStore
    blobs: BlobStore
    typer: FileTyper
    links: FileLinks
    removal: BlobRemoval
    jobs: Jobs
    limits: FileLimits
  }) {
    this.#store = parts.store
    this.#blobs = parts.blobs
    this.#typer = parts.typer
    this.#links = parts.links
    this.#removal = parts.removal
    this.#jobs = parts.jobs
    this.#limits = parts.limits
  }

  /**
   * Keeps the files that come in, all of them or none; of none at all it makes none. Throws `Refusal('file_too_large')`,
   * `file_empty` or `file_quota_full`; where `named`, the refusal tells which file it is about.
   */
  async upload(actor: Actor, sent: AsyncIterable<SentFile>, { named = false } = {}): Promise<StoredFile[]> {
    const account = accountOf(actor)
    if ((await this.#store.used(account.accountId)) >= this.#limits.quotaBytes) throw new Refusal('file_quota_full')
    const begun: string[] = []
    try {
      const received: NewFile[] = []
      for await (const file of sent) received.push(await this.#receive(file, begun, named))
      if (received.length === 0) return []
      const added = await this.#store.add(account, received, this.#limits.quotaBytes)
      for (const { id } of added) this.#read(id)
      return added.map(storedFileOf)
    } catch (fault) {
      // What cannot be removed now is removed later.
      await this.#removal.remove(begun).catch(() => {})
      throw fault
    }
  }

  /** Not waited for: where no job can be made now, one is made of the file's state later. */
  #read(fileId: string): void {
    this.#jobs.send('file', { file_id: fileId }, fileId).catch(() => {})
  }

  async #receive({ name, bytes }: SentFile, begun: string[], named: boolean): Promise<NewFile> {
    const id = Bun.randomUUIDv7()
    const measured = new Measured(bytes, this.#limits.maxBytes)
    const shown = shownName(name)
    try {
      await this.#store.expect(id, UPLOAD_SECONDS)
      begun.push(id)
      await this.#blobs.write(id, measured)
      if (measured.size === 0) throw new Refusal('file_empty')
    } catch (fault) {
      throw named && fault instanceof Refusal ? about(shown, fault) : fault
    }
    const { mime, type } = await typeOf(this.#typer, measured.head, shown)
    return {
      id,
      name: shown,
      original_name: sentName(name),
      mime_type: mime,
      file_type: type,
      size: measured.size,
      sha256: measured.sha256(),
      state: 'pending',
      reason: null,
    }
  }

  /** The account's own files, the newest first. */
  async list(actor: Actor, page: { skip: number; limit: number }): Promise<{ items: StoredFile[]; total: number }> {
    if (actor.kind === 'service') return { items: [], total: 0 }
    const { items, total } = await this.#store.list(actor.accountId, page)
    return { items: items.map(storedFileOf), total }
  }

  /** A file of the actor's own, or of a message of its chats. Throws `Refusal('file_missing')`. */
  async get(actor: Actor, fileId: string): Promise<FileWithContent> {
    const row = await this.#store.findWithContent(fileId, viewerOf(actor))
    if (row === undefined) throw new Refusal('file_missing')
    return fileWithContentOf(row)
  }

  /** Takes it from its owner. It stays for as long as a message has it; then its bytes go too. */
  async remove(actor: Actor, fileId: string): Promise<void> {
    const owner = isPrivileged(actor) ? null : accountOf(actor)
    const forgotten = await this.#store.forget(owner, fileId)
    if (forgotten === undefined) throw new Refusal('file_missing')
    // What cannot be removed now is removed later.
    if (forgotten.gone) await this.#removal.remove([fileId, previewName(fileId)]).catch(() => {})
  }

  /** Addresses of the file that need no token for some minutes. */
  async links(actor: Participant, fileId: string): Promise<Links> {
    const row = await this.#visible(viewerOf(actor), fileId)
    const expires = this.#links.expiry()
    return {
      download_url: this.#links.link(fileId, 'download', expires),
      preview_url: row.has_preview ? this.#links.link(fileId, 'preview', expires) : null,
      expires_at: new Date(expires * 1000).toISOString(),
    }
  }

  /** Whether a link allows what it is used for, by nobody in particular. */
  allows(fileId: string, use: LinkUse, signed: Signed): boolean {
    return this.#links.allows(fileId, use, signed)
  }

  /** The file to send; to whoever has a link where there is no `actor`. Its bytes throw `Refusal('file_missing')`. */
  async open(actor: Participant | undefined, fileId: string): Promise<OpenFile> {
    const row = await this.#visible(actor === undefined ? null : viewerOf(actor), fileId)
    return { ...storedFileOf(row), bytes: (range) => this.#bytes(fileId, range) }
  }

  /** The image of what is in the file: webp. Throws `Refusal('preview_missing')`. */
  async preview(
    actor: Participant | undefined,
    fileId: string,
  ): Promise<{ sha256: string; bytes: ReadableStream<Uint8Array> }> {
    const row = await this.#visible(actor === undefined ? null : viewerOf(actor), fileId)
    const bytes = row.has_preview ? await this.#blobs.read(previewName(fileId)) : undefined
    if (bytes === undefined) throw new Refusal('preview_missing')
    return { sha256: row.sha256, bytes }
  }

  async #bytes(fileId: string, range?: { start: number; end: number }): Promise<ReadableStream<Uint8Array>> {
    const bytes = await this.#blobs.read(fileId, range)
    // Removed since, by somebody else.
    if (bytes === undefined) throw new Refusal('file_missing')
    return bytes
  }

  async #visible(viewer: Viewer | null, fileId: string): Promise<FileRow> {
    const row = await this.#store.find(fileId, viewer)
    if (row === undefined) throw new Refusal('file_missing')
    return row
  }
}

/** Whose files are seen: `null` is everybody's. */
function viewerOf(actor: Participant): Viewer | null {
  if (actor.kind === 'visitor') return { customerId: actor.userId }
  return actor.kind === 'service' || isPrivileged(actor) ? null : { accountId: actor.accountId }
}

function accountOf(actor: Actor): AccountActor {
  if (actor.kind === 'service') throw new Refusal('account_needed')
  return actor
}

/** The same refusal, told of one of several files. */
function about(name: string, { reason, message, cause }: Refusal): Refusal {
  return new Refusal(reason, { detail: `${name}: ${message}`, cause })
}
