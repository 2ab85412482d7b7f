import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type Extracted, ExtractionFault, type Extractor, type FileToRead } from '../../domain/ports.ts'
import { EXTRACTION, type ReadAnswer } from './limits.ts'

const READER = fileURLToPath(new URL('./reader.ts', import.meta.url))
/** So often its memory is looked at. */
const WATCH_MS = 50
const PAGE_BYTES = 4096

export type ExtractionLimits = { ms: number; memoryBytes: number }

const Answer: z.ZodType<ReadAnswer> = z.object({
  content: z.string().nullable(),
  reason: z.string().nullable(),
  refused: z.boolean(),
  previewBytes: z.int().nonnegative(),
})

/** Reads files by libraries, each in a process of its own that is ended once it takes too long or too much. */
export class OwnExtractor implements Extractor {
  readonly #limits: ExtractionLimits

  constructor(limits: ExtractionLimits = EXTRACTION) {
    this.#limits = limits
  }

  async extract(
    file: FileToRead,
    open: () => Promise<ReadableStream<Uint8Array>>,
    signal: AbortSignal,
  ): Promise<Extracted> {
    if (file.type === 'other') return { failed: false, content: null, reason: null, preview: undefined }
    if (file.size > EXTRACTION.bytes) {
      return { failed: false, content: null, reason: 'The file is too large to be read.', preview: undefined }
    }
    const reader = Bun.spawn([process.execPath, READER, JSON.stringify({ mime: file.mime, type: file.type })], {
      cwd: tmpdir(),
      // Nothing of ours: no secret, no proxy, no place of a database.
      env: {},
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'ignore',
      timeout: this.#limits.ms,
      killSignal: 'SIGKILL',
      signal,
    })
    let swollen = false
    const watch = setInterval(async () => {
      if ((await memoryOf(reader.pid)) <= this.#limits.memoryBytes) return
      swollen = true
      reader.kill('SIGKILL')
    }, WATCH_MS)
    try {
      const [answer] = await Promise.all([bounded(reader.stdout), feed(reader.stdin, await open())])
      const code = await reader.exited
      if (code === 0) return extractedOf(answer)
      if (swollen) throw new ExtractionFault('Reading the file takes more memory than it may.')
      const late = reader.signalCode === 'SIGKILL'
      throw new ExtractionFault(late ? 'Reading the file takes longer than it may.' : 'The file cannot be read.')
    } finally {
      clearInterval(watch)
      reader.kill('SIGKILL')
    }
  }
}

/** A reader that ends before it has read all is asked for its code, not for what it did not take. */
async function feed(input: Bun.FileSink, bytes: ReadableStream<Uint8Array>): Promise<void> {
  for await (const chunk of bytes) {
    try {
      input.write(chunk)
      await input.flush()
    } catch {
      return
    }
  }
  await Promise.resolve(input.end()).catch(() => {})
}

async function bounded(output: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of output) {
    size += chunk.byteLength
    if (size > EXTRACTION.answerBytes) throw new ExtractionFault('The file holds more than may be read.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function extractedOf(bytes: Buffer): Extracted {
  const end = bytes.indexOf('\n')
  const parsed = Answer.safeParse(end === -1 ? undefined : JSON.parse(bytes.toString('utf8', 0, end)))
  if (!parsed.success) throw new ExtractionFault('The file cannot be read.')
  const { content, reason, refused, previewBytes } = parsed.data
  const preview = previewBytes === 0 ? undefined : new Uint8Array(bytes.subarray(end + 1, end + 1 + previewBytes))
  return { failed: refused, content, reason, preview }
}

/** In bytes; 0 where the system does not tell (it is not Linux), or the process is gone. */
async function memoryOf(pid: number): Promise<number> {
  const told = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
  return Number(told.split(' ')[1] ?? 0) * PAGE_BYTES
}
