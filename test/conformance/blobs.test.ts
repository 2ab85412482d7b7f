import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { DiskBlobStore } from '../../src/adapters/blobs/disk.ts'
import { S3BlobStore, type S3Place } from '../../src/adapters/blobs/s3.ts'
import { removeTemporaryDirectories, temporaryDirectory } from '../support/database.ts'
import { startS3 } from '../support/s3.ts'
import { blobContract } from './blobs.ts'

setDefaultTimeout(60_000)

const s3 = startS3()
afterAll(async () => {
  await s3.stop()
  removeTemporaryDirectories()
})

const filesIn = async (directory: string) =>
  (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length

blobContract('a directory', () => {
  const directory = temporaryDirectory()
  return { store: new DiskBlobStore(directory), left: () => filesIn(directory) }
})

const place = (more: Partial<S3Place> = {}): S3Place => ({
  endpoint: s3.endpoint,
  region: undefined,
  bucket: s3.bucket,
  prefix: 'files/',
  accessKeyId: s3.accessKeyId,
  secretAccessKey: 'secret',
  ...more,
})

blobContract('an S3 bucket', () => {
  const directory = temporaryDirectory()
  return {
    store: new S3BlobStore(place(), directory),
    left: async () => s3.objects.size + (await filesIn(directory)),
  }
})

async function* some(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode('some')
}

test('a write that meets another of the same name is refused, and leaves that one alone', async () => {
  for (const store of [new DiskBlobStore(temporaryDirectory()), new S3BlobStore(place(), temporaryDirectory())]) {
    const name = crypto.randomUUID()
    const [begun, tried] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = async function* () {
      begun.resolve()
      yield new TextEncoder().encode('first')
      await tried.promise
    }
    const first = store.write(name, slow())
    await begun.promise
    await expect(store.write(name, some())).rejects.toThrow(
      expect.objectContaining({ reason: 'file_storage_unavailable' }),
    )
    tried.resolve()
    await first
    expect(await new Response(await store.read(name)).text()).toBe('first')
  }
})

describe('a store that cannot be used', () => {
  const unavailable = expect.objectContaining({ reason: 'file_storage_unavailable' })

  test('is refused: a directory that is none', async () => {
    const store = new DiskBlobStore('/dev/null/uploads')
    await expect(store.write(crypto.randomUUID(), some())).rejects.toThrow(unavailable)
  })

  test('is refused: a bucket with another key, and nothing stays on this machine', async () => {
    const directory = temporaryDirectory()
    const store = new S3BlobStore(place({ accessKeyId: 'another' }), directory)
    await expect(store.write(crypto.randomUUID(), some())).rejects.toThrow(unavailable)
    await expect(store.read(crypto.randomUUID())).rejects.toThrow(unavailable)
    expect(await filesIn(directory)).toBe(0)
  })
})
