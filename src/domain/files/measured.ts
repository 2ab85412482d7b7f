import { Refusal } from '../refusal.ts'
import { HEAD_BYTES } from './type.ts'

/** Bytes that go by: counted, bounded, hashed, and their start kept. */
export class Measured implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>
  readonly #maxBytes: number
  readonly #hash = new Bun.CryptoHasher('sha256')
  readonly #head: Uint8Array[] = []
  size = 0

  constructor(source: AsyncIterable<Uint8Array>, maxBytes: number) {
    this.#source = source
    this.#maxBytes = maxBytes
  }

  /** Throws `Refusal('file_too_large')` with the first byte that is too many. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      if (this.size < HEAD_BYTES) this.#head.push(Uint8Array.from(chunk.subarray(0, HEAD_BYTES - this.size)))
      this.size += chunk.byteLength
      if (this.size > this.#maxBytes) throw tooLarge(this.#maxBytes)
      this.#hash.update(chunk)
      yield chunk
    }
  }

  get head(): Uint8Array {
    return Buffer.concat(this.#head)
  }

  /** Hexadecimal. Once, at the end. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}

export function tooLarge(maxBytes: number): Refusal {
  return new Refusal('file_too_large', { detail: `File too large. Maximum size is ${maxBytes} bytes` })
}
