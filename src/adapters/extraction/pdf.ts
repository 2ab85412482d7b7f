import { EXTRACTION } from './limits.ts'
import { previewOf } from './pictures.ts'
import { BoundedText } from './texts.ts'
import { Unreadable } from './unreadable.ts'

type ReadPdf = { content: string | null; reason: string | null; preview: Uint8Array | undefined }

/** The text of a PDF's first pages, and a picture of the first one. */
export async function readPdf(bytes: Uint8Array): Promise<ReadPdf> {
  const { getDocumentProxy, renderPageAsImage } = await import('unpdf')
  const pdf = await getDocumentProxy(bytes).catch((fault: unknown) => {
    const locked = fault instanceof Error && fault.name === 'PasswordException'
    throw new Unreadable(locked ? 'The PDF is protected by a password.' : 'The PDF is damaged.')
  })
  const text = new BoundedText()
  const pages = Math.min(pdf.numPages, EXTRACTION.pages)
  for (let number = 1; number <= pages && !text.full; number += 1) {
    const page = await pdf.getPage(number)
    const { items } = await page.getTextContent()
    for (const item of items) if ('str' in item) text.add(item.hasEOL ? `${item.str}\n` : item.str)
    text.add('\n\n')
    page.cleanup()
  }
  const reason = pages < pdf.numPages ? `Of ${pdf.numPages} pages the first ${pages} were read.` : null
  // Its longer side is bounded, so that a page of a kilometre is no picture of a gigabyte.
  const { width, height } = (await pdf.getPage(1)).getViewport({ scale: 1 })
  const scale = EXTRACTION.previewSide / Math.max(width, height, 1)
  const canvasImport = () => import('@napi-rs/canvas')
  const image = await renderPageAsImage(pdf, 1, { canvasImport, scale }).catch(() => undefined)
  const preview = image === undefined ? undefined : await previewOf(new Uint8Array(image))
  return { content: text.toText(), reason, preview }
}
