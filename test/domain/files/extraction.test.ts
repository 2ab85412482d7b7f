import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { deflateSync } from 'node:zlib'
import { zipSync } from 'fflate'
import { EXTRACTION } from '../../../src/adapters/extraction/limits.ts'
import { OwnExtractor } from '../../../src/adapters/extraction/own.ts'
import { PreviewService } from '../../../src/adapters/extraction/service.ts'
import { typeByContent } from '../../../src/adapters/file-type.ts'
import { typeOf } from '../../../src/domain/files/type.ts'
import type { Extractor } from '../../../src/domain/ports.ts'
import { PNG } from '../../support/files.ts'
import { pdfOf } from '../../support/pdf.ts'

setDefaultTimeout(60_000)

const own = new OwnExtractor()

/** As an upload of that name is read. */
async function read(name: string, content: string | Uint8Array, extractor: Extractor = own) {
  const bytes = Buffer.from(content)
  const { mime, type } = await typeOf(typeByContent, bytes.subarray(0, 65_536), name)
  const file = { name, mime, type, size: bytes.byteLength }
  return extractor.extract(file, async () => new Blob([bytes]).stream(), new AbortController().signal)
}

const sample = (name: string) => Bun.file(new URL(`../../support/samples/${name}`, import.meta.url)).bytes()

/** The head of a PNG of that size, with few bytes for all its pixels. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    size.writeUInt32BE(data.length)
    sum.writeUInt32BE(Bun.hash.crc32(body))
    return Buffer.concat([size, body, sum])
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width)
  head.writeUInt32BE(height, 4)
  head.set([8, 0], 8)
  const rows = deflateSync(Buffer.alloc(Math.min((width + 1) * height, 4_000_000)))
  return Buffer.concat([PNG.subarray(0, 8), chunk('IHDR', head), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))])
}

describe('files that are read', () => {
  test.each([
    ['notes.txt', 'plain\nwords', 'plain\nwords'],
    ['notes.md', '# Title\n\ntext', '# Title\n\ntext'],
    ['table.csv', 'a,b\n1,2', 'a,b\n1,2'],
    ['data.json', '{"a": 1}', '{"a": 1}'],
    ['bom.txt', '\ufeffGrüße', 'Grüße'],
    [
      'page.html',
      '<html><head><title>no</title><style>p{}</style></head><body><h1>Trip</h1><p>to  <b>Lisbon</b> &amp; back</p><script>x()</script><table><tr><td>a</td><td>b</td></tr></table></body></html>',
      'Trip\nto Lisbon & back\na\tb',
    ],
  ])('%s gives its text', async (name, content, text) => {
    expect(await read(name, content)).toEqual({ failed: false, content: text, reason: null, preview: undefined })
  })

  test('a DOCX of a word processor gives its paragraphs and tables', async () => {
    const { content, failed } = await read('plan.docx', await sample('plan.docx'))
    expect(failed).toBe(false)
    expect(content).toBe('Trip plan\nWe meet at the Praça do Comércio.\nHotel\n120 EUR')
  })

  test('an XLSX of a spreadsheet gives its cells, by sheets', async () => {
    const { content } = await read('costs.xlsx', await sample('costs.xlsx'))
    expect(content).toBe('Costs\nWhat\tEUR\nHotel\t120.5\nTram\t7\nNotes\nGrüße, 世界')
  })

  test('a PDF of a browser gives its text and a picture of its first page', async () => {
    const { content, preview } = await read('itinerary.pdf', await sample('itinerary.pdf'))
    expect(content).toContain('Itinerary for Lisbon\nDay 1: Alfama, Grüße,')
    const { width, height, format } = await new Bun.Image(preview ?? new Uint8Array()).metadata()
    expect([width, height, format]).toEqual([expect.any(Number), 800, 'webp'])
  })

  test('an image gives a smaller one, and never a larger', async () => {
    const sizeOf = async (image: Buffer) => {
      const { preview } = await read('image.png', image)
      const { width, height } = await new Bun.Image(preview ?? new Uint8Array()).metadata()
      return [width, height]
    }
    expect(await sizeOf(pngOf(1600, 1000))).toEqual([800, 500])
    expect(await sizeOf(PNG)).toEqual([1, 1])
  })

  test('what nobody can read is not read, and nothing is wrong with that', async () => {
    expect(await read('noise.bin', new Uint8Array([0, 1, 2, 255]))).toMatchObject({ failed: false, content: null })
    expect(await read('image.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>')).toMatchObject({
      failed: false,
      preview: undefined,
      reason: 'No preview can be made of this kind of image.',
    })
  })
})

describe('files that mean no good', () => {
  test('an image of too many pixels is not unfolded', async () => {
    expect(await read('flood.png', pngOf(30_000, 30_000))).toMatchObject({
      failed: true,
      reason: 'The image has more pixels than may be shown.',
      preview: undefined,
    })
  })

  test('a damaged image, document and PDF are told to be that', async () => {
    expect(await read('cut.png', PNG.subarray(0, 45))).toMatchObject({ failed: true, reason: 'The image is damaged.' })
    const docx = await sample('plan.docx')
    const broken = Buffer.concat([docx.subarray(0, 30_000), new Uint8Array(2000)])
    expect(await read('cut.docx', broken)).toMatchObject({ failed: true, reason: 'The document is damaged.' })
    expect(await read('cut.pdf', '%PDF-1.7\nno more')).toMatchObject({ failed: true, reason: 'The PDF is damaged.' })
  })

  test('a PDF with a password is told to have one', async () => {
    expect(await read('locked.pdf', pdfOf({ pages: 1, locked: true }))).toMatchObject({
      failed: true,
      reason: 'The PDF is protected by a password.',
    })
  })

  // Not what this is about: on a machine with much else to do it takes its time.
  const patient = new OwnExtractor({ ms: 55_000, memoryBytes: EXTRACTION.memoryBytes })

  test('of 10,000 pages the first are read', async () => {
    const { failed, content, reason } = await read('long.pdf', pdfOf({ pages: 10_000 }), patient)
    expect(failed).toBe(false)
    expect(reason).toBe('Of 10000 pages the first 200 were read.')
    expect(content).toContain('Page 200')
    expect(content).not.toContain('Page 201')
  })

  test('a text is cut at a million characters', async () => {
    expect((await read('long.txt', 'x'.repeat(1_500_000))).content).toHaveLength(1_000_000)
  })

  test('a document that unfolds to gigabytes is not unfolded', async () => {
    const office = 'http://schemas.openxmlformats.org'
    const types = `<?xml version="1.0"?><Types xmlns="${office}/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`
    const bomb = Buffer.from(
      zipSync({ '[Content_Types].xml': Buffer.from(types), 'word/document.xml': Buffer.from('<w/>') }),
    )
    // What its directory says of the last file in it.
    bomb.writeUInt32LE(1_000_000_000, bomb.lastIndexOf('PK\x01\x02') + 24)
    expect(await read('bomb.docx', bomb)).toMatchObject({
      failed: true,
      reason: 'The file unfolds to more than may be read.',
    })
  })

  test('a reader that takes too long, or too much memory, is ended: that may be tried again', async () => {
    const pdf = await sample('itinerary.pdf')
    const hasty = new OwnExtractor({ ms: 20, memoryBytes: 1e12 })
    await expect(read('itinerary.pdf', pdf, hasty)).rejects.toThrow('Reading the file takes longer than it may.')
    const poor = new OwnExtractor({ ms: 30_000, memoryBytes: 10_000_000 })
    await expect(read('itinerary.pdf', pdf, poor)).rejects.toThrow('Reading the file takes more memory than it may.')
  })
})

describe('the documented preview service', () => {
  const serve = (answer: (request: Request) => Response | Promise<Response>) => {
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer })
    return { extractor: new PreviewService({ url: `${server.url.origin}/`, apiKey: 'its key' }, own), server }
  }

  test('is sent the file with its key, and gives text and preview', async () => {
    const asked: unknown[] = []
    const { extractor, server } = serve(async (request) => {
      const file = (await request.formData()).get('file')
      const text = file instanceof File ? [file.name, await file.text()] : file
      asked.push([request.method, new URL(request.url).pathname, request.headers.get('x-api-key'), text])
      return Response.json({ file_type: 'text', content: 'what it read', preview: PNG.toString('base64') })
    })
    const { content, preview, failed } = await read('notes.txt', 'the words', extractor)
    await server.stop(true)
    expect(asked).toEqual([['POST', '/process_file/', 'its key', ['notes.txt', 'the words']]])
    expect([failed, content]).toEqual([false, 'what it read'])
    expect((await new Bun.Image(preview ?? new Uint8Array()).metadata()).format).toBe('webp')
  })

  test.each([
    ['an error', () => new Response('oh', { status: 500 })],
    ['a redirect', () => Response.redirect('http://127.0.0.1:1/')],
    ['no JSON', () => new Response('<html>')],
    ['something else', () => Response.json({ content: 5 })],
    ['too much', () => new Response('x'.repeat(17_000_000))],
  ])('that answers with %s is asked again later', async (_, answer) => {
    const { extractor, server } = serve(answer)
    const asked = read('notes.txt', 'the words', extractor)
    await expect(asked).rejects.toThrow('The preview service does not answer as it should.')
    await server.stop(true)
  })
})
