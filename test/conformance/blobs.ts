import { describe, expect, test } from 'bun:test'
import type { BlobStore } from '../../src/domain/ports.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytesOf(text)
}

/** What every store of blobs promises: see `BlobStore`. `left` tells how much of them is there, spools included. */
export function blobContract(name: string, open: () => { store: BlobStore; left(): Promise<number> }): void {
  const blob = () => crypto.randomUUID()
  const text = async (store: BlobStore, of: string, range?: { start: number; end: number }) => {
    const stream = await store.read(of, range)
    return stream && (await new Response(stream).text())
  }

  describe(`blobs in ${name}`, () => {
    test('are read as they were written, whole or a part', async () => {
      const { store } = open()
      const id = blob()
      await store.write(id, pieces('one ', 'two ', 'three'))
      expect(await text(store, id)).toBe('one two three')
      expect(await text(store, id, { start: 4, end: 7 })).toBe('two')
      expect(await text(store, id, { start: 8, end: 13 })).toBe('three')
    })

    test('are large: 12 MB in small pieces', async () => {
      const { store } = open()
      const id = blob()
      const chunk = crypto.getRandomValues(new Uint8Array(60_000))
      await store.write(
        id,
        (async function* () {
          for (let piece = 0; piece < 200; piece += 1) yield chunk
        })(),
      )
      const bytes = await new Response(await store.read(id)).bytes()
      expect(bytes.length).toBe(12_000_000)
      expect(bytes.subarray(-60_000)).toEqual(chunk)
    })

    test('are there whole or not at all: a source that fails leaves nothing, and its fault is told as it is', async () => {
      const { store, left } = open()
      const id = blob()
      const before = await left()
      const fault = new Error('cut off')
      async function* broken() {
        yield bytesOf('the first half')
        throw fault
      }
      await expect(store.write(id, broken())).rejects.toBe(fault)
      expect(await store.read(id)).toBeUndefined()
      expect(await left()).toBe(before)
      await store.write(id, pieces('again'))
      expect(await text(store, id)).toBe('again')
    })

    test('are not seen before they are whole', async () => {
      const { store } = open()
      const id = blob()
      const half = Promise.withResolvers<void>()
      const rest = Promise.withResolvers<void>()
      async function* slow() {
        yield bytesOf('half ')
        half.resolve()
        await rest.promise
        yield bytesOf('whole')
      }
      const writing = store.write(id, slow())
      await half.promise
      expect(await store.read(id)).toBeUndefined()
      rest.resolve()
      await writing
      expect(await text(store, id)).toBe('half whole')
    })

    test('are gone once they are removed; what is not there may be removed as well', async () => {
      const { store, left } = open()
      const id = blob()
      const before = await left()
      await store.write(id, pieces('gone'))
      await store.remove(id)
      expect(await store.read(id)).toBeUndefined()
      expect(await left()).toBe(before)
      await store.remove(id)
      await store.remove(blob())
    })

    test.each(['../escape', '/etc/passwd', 'a/b', '..', '', 'UPPER', 'a\0b', 'x'.repeat(101)])(
      'have no name such as %j',
      async (bad) => {
        const { store } = open()
        await expect(store.write(bad, pieces('x'))).rejects.toThrow(RangeError)
        await expect(store.read(bad)).rejects.toThrow(RangeError)
        await expect(store.remove(bad)).rejects.toThrow(RangeError)
      },
    )
  })
}
