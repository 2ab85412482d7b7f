import pino, { type Logger } from 'pino'
import type { Config } from './config.ts'

/** The log is written by so many bytes, and at least so often: a write for each line costs more than the line. */
const BATCH_BYTES = 3072
const DELAY_MS = 100
/** What may wait for a reader of the log that does not keep up; past it lines are left out. */
const WAITING_MAX_BYTES = 16_777_216
/** A pipe takes so much at once whole: the lines of processes that share it stay lines. More than a batch. */
const SHARED_OUTPUT_BYTES = 4096
/** So long the end of a process waits for whoever reads its log. */
const LAST_MS = 1000

export type Log = { logger: Logger; written(): Promise<void> }

/** To standard output, a line each; not at once: before the process ends, call `written`. */
export function openLog(config: Pick<Config, 'workers' | 'logLevel'>): Log {
  const maxWrite = config.workers > 1 ? { maxWrite: SHARED_OUTPUT_BYTES } : {}
  const output = pino.destination({
    fd: 1,
    sync: false,
    minLength: BATCH_BYTES,
    periodicFlush: DELAY_MS,
    maxLength: WAITING_MAX_BYTES,
    ...maxWrite,
  })
  const logger = pino(
    {
      level: config.logLevel,
      redact: { paths: ['token', '*.token', '*.password', '*.secret', '*.authorization'], remove: true },
    },
    output,
  )
  return {
    logger,
    // What still waits then, pino writes as the process exits. A batch that is on its way at that moment would be lost, and
    // so is awaited here. Where nobody reads it, the process must not wait for ever: pino would.
    async written() {
      const flushed = new Promise<'flushed'>((resolve) => output.flush(() => resolve('flushed')))
      if ((await Promise.race([flushed, Bun.sleep(LAST_MS)])) === undefined) output.destroy()
    },
  }
}
