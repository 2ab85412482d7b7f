import { z } from 'zod'
import type { ReadAnswer, ReadOrder } from './limits.ts'
import { sheetText, wordText } from './office.ts'
import { readPdf } from './pdf.ts'
import { previewOf } from './pictures.ts'
import { htmlText, plainText } from './texts.ts'
import { Unreadable } from './unreadable.ts'

// A process of its own, for one file: whatever is in it, its reader can be ended. What to do is the one argument, the file
// comes by standard input, and the answer goes to standard output.

const Order: z.ZodType<ReadOrder> = z.object({
  mime: z.string(),
  type: z.enum(['text', 'image', 'pdf', 'word', 'excel', 'other']),
})

type Read = { content: string | null; reason?: string | null; preview?: Uint8Array | undefined }

async function read({ mime, type }: ReadOrder, bytes: Uint8Array): Promise<Read> {
  switch (type) {
    case 'text':
      return { content: mime === 'text/html' ? htmlText(bytes) : plainText(bytes) }
    case 'image': {
      const preview = mime === 'image/svg+xml' ? undefined : await previewOf(bytes)
      return { content: null, preview, reason: preview ? null : 'No preview can be made of this kind of image.' }
    }
    case 'pdf':
      return readPdf(bytes)
    case 'word':
      return mime === 'application/msword' ? OLD : { content: await wordText(bytes).catch(damaged) }
    case 'excel':
      return mime === 'application/vnd.ms-excel' ? OLD : { content: await sheetText(bytes).catch(damaged) }
    case 'other':
      return { content: null }
  }
}

const OLD: Read = { content: null, reason: 'Documents of this old kind are not read: save it as DOCX or XLSX.' }

function damaged(fault: unknown): never {
  throw fault instanceof Unreadable ? fault : new Unreadable('The document is damaged.')
}

async function answerTo(order: ReadOrder, bytes: Uint8Array): Promise<[ReadAnswer, Uint8Array]> {
  try {
    const { content, reason = null, preview = new Uint8Array() } = await read(order, bytes)
    return [{ content, reason, refused: false, previewBytes: preview.byteLength }, preview]
  } catch (fault) {
    if (!(fault instanceof Unreadable)) throw fault
    return [{ content: null, reason: fault.message, refused: true, previewBytes: 0 }, new Uint8Array()]
  }
}

const order = Order.parse(JSON.parse(process.argv[2] ?? ''))
const [answer, preview] = await answerTo(order, await Bun.stdin.bytes())
await Bun.write(Bun.stdout, Buffer.concat([Buffer.from(`${JSON.stringify(answer)}\n`), preview]))
process.exit(0)
