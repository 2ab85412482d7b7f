import { expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { FormBody, type FormReading, formTurns } from '../../src/api/form-body.ts'
import type { Turns } from '../../src/domain/turns.ts'

setDefaultTimeout(60_000)

const TYPE = 'multipart/form-data; boundary=bound'

function reading(body: ReadableStream<Uint8Array>, turns: Turns = formTurns(), type = TYPE): FormReading {
  const request = new Request('http://localhost/', { method: 'POST', body, headers: { 'content-type': type } })
  return { request, turns, wait() {} }
}

/** The bytes in pieces of these lengths, over and over. */
function inPieces(bytes: Uint8Array, lengths: readonly number[]): ReadableStream<Uint8Array> {
  let [at, index] = [0, 0]
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      const length = lengths[index % lengths.length] ?? 1
      controller.enqueue(Uint8Array.from(bytes.subarray(at, at + length)))
      at += length
      index += 1
    },
  })
}

async function partsOf(form: FormBody, taken: (index: number) => boolean = () => true) {
  const parts: { name: string | undefined; filename: string | undefined; text: string | undefined }[] = []
  try {
    for await (const head of form.parts()) {
      let text: string | undefined
      if (taken(parts.length)) {
        text = ''
        // Copied as it comes: a chunk is gone with the next one.
        for await (const chunk of form.rest()) text += Buffer.from(chunk).toString('latin1')
      }
      parts.push({ ...head, text })
    }
  } finally {
    form.close()
  }
  return parts
}

/** Full of what a delimiter begins with, and of what looks like one. */
const content = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', '--', '\r\n--boun', '\r\n--bounc', '--bound', 'bound', 'a', '\0', '\xff'))
  .map((pieces) => pieces.join(''))
  .filter((text) => !text.includes('\r\n--bound'))

test('a form is read the same however it is cut up, and whatever is left unread of it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(content, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      content.filter((text) => !text.includes('--bound')),
      async (contents, lengths, taken, before) => {
        const parts = contents.map(
          (text, index) =>
            `--bound\r\nContent-Disposition: form-data; name="f${index}"; filename="a b"\r\n\r\n${text}\r\n`,
        )
        const bytes = Buffer.from(`${before}\r\n${parts.join('')}--bound--\r\nafter`, 'latin1')
        const read = await partsOf(new FormBody(reading(inPieces(bytes, lengths))), (index) => taken[index] ?? true)
        expect(read).toEqual(
          contents.map((text, index) => ({
            name: `f${index}`,
            filename: 'a b',
            text: taken[index] ? text : undefined,
          })),
        )
      },
    ),
    { numRuns: 300 },
  )
})

test.each([
  ['filename="plain.txt"', 'plain.txt'],
  ['filename=plain.txt', 'plain.txt'],
  ['filename="a\\"b.txt"', 'a"b.txt'],
  ['filename="C:\\dir\\a.txt"', 'C:\\dir\\a.txt'],
  ['filename="semi;colon.txt"', 'semi;colon.txt'],
  ['filename="世界.txt"', '世界.txt'],
  ['filename="x"; filename*=UTF-8\'\'%E4%B8%96.txt', '世.txt'],
  ['filename="x"; filename*=UTF-8\'\'%E4%B', 'x'],
  ['filename=""', ''],
])('a part with %s is called %j', async (sent, filename) => {
  const text = `--bound\r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION: form-data; name=file; ${sent}\r\n\r\nx\r\n--bound--`
  const form = new FormBody(
    reading(inPieces(Buffer.from(text), [1000]), formTurns(), 'multipart/form-data;boundary="bound"'),
  )
  expect(await partsOf(form)).toEqual([{ name: 'file', filename, text: 'x' }])
})

test.each([
  ['a head without an end', `--bound\r\nX: ${'x'.repeat(20_000)}`],
  ['a part without an end', '--bound\r\n\r\nhalf'],
  ['no delimiter', 'nothing of a form'],
  ['nothing', ''],
])('%s breaks it', async (_, text) => {
  const form = new FormBody(reading(inPieces(Buffer.from(text), [4096])))
  await expect(partsOf(form)).rejects.toThrow(expect.objectContaining({ reason: 'upload_broken' }))
})

test('who sends nothing keeps nobody else from being read', async () => {
  const turns = formTurns()
  const silent = Array.from({ length: 10 }, () => new FormBody(reading(new ReadableStream(), turns)))
  const waiting = silent.map((form) => partsOf(form).catch(() => 'broken'))
  const text = '--bound\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--bound--'
  expect(await partsOf(new FormBody(reading(inPieces(Buffer.from(text), [7]), turns)))).toHaveLength(1)
  for (const form of silent) form.close()
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['broken']))
})
