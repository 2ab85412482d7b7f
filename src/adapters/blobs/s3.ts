import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { S3Client } from 'bun'
import type { BlobStore } from '../../domain/ports.ts'
import { blobName } from './name.ts'
import { isMissing, spool, stored } from './spool.ts'

export type S3Place = {
  endpoint: string | undefined
  region: string | undefined
  bucket: string
  /** Put before every name, so that several products can share a bucket. */
  prefix: string
  accessKeyId: string
  secretAccessKey: string
}

/**
 * Blobs as objects of an S3 bucket. What comes is first written to a directory of this machine, so that an object is only
 * begun once all of it is there: nothing of an upload that was cut off or refused reaches the bucket.
 */
export class S3BlobStore implements BlobStore {
  readonly #client: S3Client
  readonly #prefix: string
  readonly #spool: string

  constructor({ endpoint, region, bucket, prefix, accessKeyId, secretAccessKey }: S3Place, spoolDirectory: string) {
    this.#client = new S3Client({
      bucket,
      accessKeyId,
      secretAccessKey,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
    })
    this.#prefix = prefix
    this.#spool = spoolDirectory
  }

  async write(name: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const key = this.#key(name)
    const part = this.#part(name)
    await stored(mkdir(this.#spool, { recursive: true, mode: 0o700 }))
    try {
      await spool(part, bytes)
      await stored(this.#client.write(key, Bun.file(part), { type: 'application/octet-stream' }))
    } finally {
      await rm(part, { force: true }).catch(() => {})
    }
  }

  async read(name: string, range?: { start: number; end: number }): Promise<ReadableStream<Uint8Array> | undefined> {
    const object = this.#client.file(this.#key(name))
    // A stream of what is not there fails only when it is read.
    if (!(await stored(object.exists()))) return undefined
    return (range === undefined ? object : object.slice(range.start, range.end)).stream()
  }

  async remove(name: string): Promise<void> {
    await stored(rm(this.#part(name), { force: true }))
    await stored(
      this.#client.delete(this.#key(name)).catch((fault: unknown) => {
        if (!isMissing(fault)) throw fault
      }),
    )
  }

  #key(name: string): string {
    return `${this.#prefix}${blobName(name)}`
  }

  #part(name: string): string {
    return join(this.#spool, `${blobName(name)}.part`)
  }
}
