import { z } from 'zod'
import { type Extracted, ExtractionFault, type Extractor, type FileToRead } from '../../domain/ports.ts'
import { EXTRACTION } from './limits.ts'

const Processed = z.object({
  file_type: z.string().nullish(),
  content: z.string().nullish(),
  preview: z.string().nullish(),
})

/** Reads files by the documented preview service. A picture of its own becomes the preview by `own`, which bounds it. */
export class PreviewService implements Extractor {
  readonly #url: URL
  readonly #apiKey: string | undefined
  readonly #own: Extractor

  constructor({ url, apiKey }: { url: string; apiKey: string | undefined }, own: Extractor) {
    this.#url = new URL(`${url.replace(/\/+$/, '')}/process_file/`)
    this.#apiKey = apiKey
    this.#own = own
  }

  async extract(
    file: FileToRead,
    open: () => Promise<ReadableStream<Uint8Array>>,
    signal: AbortSignal,
  ): Promise<Extracted> {
    if (file.size > EXTRACTION.bytes) return this.#own.extract(file, open, signal)
    const body = new FormData()
    body.set('file', new File([await new Response(await open()).blob()], file.name, { type: file.mime }))
    const answer = await this.#ask(body, AbortSignal.any([signal, AbortSignal.timeout(EXTRACTION.ms)]))
    const content = answer.content?.slice(0, EXTRACTION.characters).replaceAll('\0', '').toWellFormed().trim() || null
    const image = answer.preview ? Buffer.from(answer.preview, 'base64') : undefined
    if (image === undefined) return { failed: false, content, reason: null, preview: undefined }
    const picture = { name: 'preview', mime: 'image/png', type: 'image', size: image.byteLength } as const
    const { preview } = await this.#own.extract(picture, async () => new Blob([image]).stream(), signal)
    return { failed: false, content, reason: null, preview }
  }

  async #ask(body: FormData, signal: AbortSignal): Promise<z.infer<typeof Processed>> {
    const headers: Record<string, string> = this.#apiKey === undefined ? {} : { 'x-api-key': this.#apiKey }
    try {
      const response = await fetch(this.#url, { method: 'POST', body, headers, signal, redirect: 'manual' })
      if (!response.ok) {
        await response.body?.cancel()
        throw new Error(`It answered ${response.status}.`)
      }
      return Processed.parse(JSON.parse(await textOf(response)))
    } catch (cause) {
      throw new ExtractionFault('The preview service does not answer as it should.', { cause })
    }
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > EXTRACTION.answerBytes) throw new Error('It answered with too much.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
