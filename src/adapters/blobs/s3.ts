import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { S3Client } from 'bun'
import type { BlobStore } from '../../domain/ports.ts'
import { Turns } from '../../domain/turns.ts'
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

/** So many objects are written at once: each has a connection of its own. */
const WRITING = { atOnce: 4, waiting: 1000 }
/** An object that takes longer than this is given up. */
const WRITE_MS = 240_000

/**
 * Blobs as objects of an S3 bucket. What comes is first written to a directory of this machine, so that an object is only
 * begun once all of it is there: nothing of an upload that was cut off or refused reaches the bucket.
 */
export class S3BlobStore implements BlobStore {
  readonly #client: S3Client
  readonly #prefix: string
  readonly #spool: string
  readonly #turns = new Turns(WRITING)

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
    await spool(part, bytes)
    try {
      await this.#turns.take(() => stored(this.#put(key, part)))
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

  /** By an address that is signed for it: `fetch` sends a file as it reads it, where the client's own `write` gathers it. */
  async #put(key: string, part: string): Promise<void> {
    const url = this.#client.presign(key, { method: 'PUT', expiresIn: WRITE_MS / 1000 })
    const signal = AbortSignal.timeout(WRITE_MS)
    const response = await fetch(url, { method: 'PUT', body: Bun.file(part), redirect: 'manual', signal })
    if (!response.ok)
      throw new Error(`The bucket answered ${response.status}: ${(await response.text()).slice(0, 1000)}`)
    await response.body?.cancel()
  }

  #key(name: string): string {
    return `${this.#prefix}${blobName(name)}`
  }

  #part(name: string): string {
    return join(this.#spool, `${blobName(name)}.part`)
  }
}
