import type { BlobStore, Jobs } from '../../src/domain/ports.ts'

/** Blobs of this process alone, for tests that are not about where they lie. */
export class MemoryBlobs implements BlobStore {
  readonly blobs = new Map<string, Uint8Array>()

  async write(name: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    // A chunk is there until the next one is asked for.
    this.blobs.set(name, Buffer.concat(await Array.fromAsync(bytes, (chunk) => Uint8Array.from(chunk))))
  }

  async read(name: string, range?: { start: number; end: number }): Promise<ReadableStream<Uint8Array> | undefined> {
    const bytes = this.blobs.get(name)
    return bytes && new Blob([Buffer.from(bytes.subarray(range?.start ?? 0, range?.end))]).stream()
  }

  async remove(name: string): Promise<void> {
    this.blobs.delete(name)
  }
}

/** Nothing is done in the background. */
export const NO_JOBS: Jobs = { async send() {} }
