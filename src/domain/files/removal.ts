import type { BlobStore } from '../ports.ts'
import type { FileStore } from './file-store.ts'

/** So many blobs are claimed at a time. */
const STEP = 50

/** Removes the bytes that nothing refers to. On every instance at once, if need be: each takes others. */
export class BlobRemoval {
  readonly #store: FileStore
  readonly #blobs: BlobStore

  constructor(store: FileStore, blobs: BlobStore) {
    this.#store = store
    this.#blobs = blobs
  }

  /** Resolves to how many were removed. What fails is tried again minutes later. */
  async run(): Promise<number> {
    let total = 0
    for (let names = await this.#store.claimRemovals(STEP); names.length > 0; ) {
      await this.remove(names)
      total += names.length
      names = names.length < STEP ? [] : await this.#store.claimRemovals(STEP)
    }
    return total
  }

  /** Those that no file was ever made of, or that were claimed. */
  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#blobs.remove(name)
    await this.#store.removed(names)
  }
}
