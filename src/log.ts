import pino, { type Logger } from 'pino'
import type { Config } from './config.ts'

/** The log is written by so many bytes: a write for each line costs more than the line. */
const BATCH_BYTES = 12_288
/** Lines go to the output by so many bytes: for each thing that it is given it looks through all that waits there. */
const LINES_BYTES = 2048
/** At both places they wait no longer than this. */
const DELAY_MS = 100
/** What may wait for a reader of the log that does not keep up; past it lines are left out. */
const WAITING_MAX_BYTES = 16_777_216
/** A pipe takes so much at once whole: the lines of processes that share it stay lines. More than a batch. */
const SHARED_OUTPUT_BYTES = 4096
const SHARED_BATCH_BYTES = 3072
/** So long the end of a process waits for whoever reads its log. */
const LAST_MS = 1000

export type Log = { logger: Logger; written(): Promise<void> }

/** To standard output, a line each; not at once: before the process ends, call `written`. */
export function openLog(config: Pick<Config, 'workers' | 'logLevel'>): Log {
  const isShared = config.workers > 1
  const output = pino.destination({
    fd: 1,
    sync: false,
    minLength: isShared ? SHARED_BATCH_BYTES : BATCH_BYTES,
    periodicFlush: DELAY_MS,
    maxLength: WAITING_MAX_BYTES,
    ...(isShared ? { maxWrite: SHARED_OUTPUT_BYTES } : {}),
  })
  const lines = new Lines(output)
  // Before pino, which then writes what the output has.
  process.prependListener('exit', () => lines.flush())
  const logger = pino(
    {
      level: config.logLevel,
      redact: { paths: ['token', '*.token', '*.password', '*.secret', '*.authorization'], remove: true },
    },
    lines,
  )
  return {
    logger,
    // What still waits then, pino writes as the process exits. A batch that is on its way at that moment would be lost, and
    // so is awaited here. Where nobody reads it, the process must not wait for ever: pino would.
    async written() {
      lines.flush()
      const flushed = new Promise<'flushed'>((resolve) => output.flush(() => resolve('flushed')))
      if ((await Promise.race([flushed, Bun.sleep(LAST_MS)])) === undefined) lines.end()
    },
  }
}

/** Lines on their way to the output. */
class Lines {
  readonly #output: ReturnType<typeof pino.destination>
  #waiting = ''
  #bytes = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #ended = false

  constructor(output: ReturnType<typeof pino.destination>) {
    this.#output = output
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.#bytes + bytes > LINES_BYTES) this.flush()
    this.#waiting += line
    this.#bytes += bytes
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.flush()
    }, DELAY_MS).unref()
  }

  flush(): void {
    const waiting = this.#waiting
    this.#waiting = ''
    this.#bytes = 0
    if (waiting !== '' && !this.#ended) this.#output.write(waiting)
  }

  /** Nobody reads them: what waits is left, and so is all that comes. */
  end(): void {
    this.#ended = true
    this.#output.destroy()
  }
}
