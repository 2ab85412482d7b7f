import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore } from '../../domain/ports.ts'
import { blobName } from './name.ts'
import { isMissing, spool, stored } from './spool.ts'

/** Blobs as files of one directory, which several processes may share. It is made when it is first written to. */
export class DiskBlobStore implements BlobStore {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  async write(name: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#path(name)
    const part = partOf(path)
    await stored(mkdir(this.#folder(name), { recursive: true, mode: 0o700 }))
    await spool(part, bytes)
    try {
      await stored(rename(part, path))
      await stored(this.#keepFolder(name))
    } catch (fault) {
      for (const file of [part, path]) await rm(file, { force: true }).catch(() => {})
      throw fault
    }
  }

  async read(name: string, range?: { start: number; end: number }): Promise<ReadableStream<Uint8Array> | undefined> {
    const path = this.#path(name)
    const found = await stored(
      stat(path).catch((fault: unknown) => {
        if (isMissing(fault)) return undefined
        throw fault
      }),
    )
    if (found === undefined) return undefined
    const file = Bun.file(path)
    return (range === undefined ? file : file.slice(range.start, range.end)).stream()
  }

  async remove(name: string): Promise<void> {
    const path = this.#path(name)
    for (const file of [path, partOf(path)]) await stored(rm(file, { force: true }))
  }

  /** A rename is kept once its directory is. */
  async #keepFolder(name: string): Promise<void> {
    const folder = await open(this.#folder(name))
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  #path(name: string): string {
    return join(this.#folder(name), blobName(name))
  }

  /** Spreads files over folders, for disks that are slow with a million in one. Ids of one moment differ at their end. */
  #folder(name: string): string {
    return join(this.#directory, blobName(name).slice(-2).replaceAll('-', '_'))
  }
}

function partOf(path: string): string {
  return `${path}.part`
}
