import { readdir } from 'node:fs/promises'
import { DiskBlobStore } from '../../src/adapters/blobs/disk.ts'
import { S3BlobStore } from '../../src/adapters/blobs/s3.ts'
import type { BlobStore } from '../../src/domain/ports.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { startS3 } from '../support/s3.ts'

// Runs where there is room for a megabyte and no more, in a process of its own, and tells what became of three writes.

const [directory = ''] = process.argv.slice(2)
const s3 = startS3()
const place = { ...s3, region: undefined, prefix: '', secretAccessKey: 'secret' }

async function* bytes(kilobytes: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < kilobytes; sent += 64) yield new Uint8Array(65_536).fill(1)
}

async function outcomeOf(store: BlobStore, name: string, kilobytes: number): Promise<string> {
  return store.write(name, bytes(kilobytes)).then(
    () => 'written',
    (fault: unknown) => (fault instanceof Refusal ? fault.reason : String(fault)),
  )
}

const told: Record<string, unknown> = {}
for (const [kind, store] of [
  ['disk', new DiskBlobStore(directory)],
  ['bucket', new S3BlobStore(place, directory)],
] as const) {
  const outcomes = [
    await outcomeOf(store, `${kind}-small`, 128),
    await outcomeOf(store, `${kind}-large`, 4096),
    await outcomeOf(store, `${kind}-again`, 128),
  ]
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const left = entries.filter((entry) => entry.isFile() && entry.name.startsWith(kind)).map(({ name }) => name)
  told[kind] = { outcomes, left: left.sort() }
}
told['objects'] = [...s3.objects.keys()].sort()
await s3.stop()
console.log(JSON.stringify(told))
