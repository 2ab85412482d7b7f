import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import { Stores } from './stores.ts'
import { cpuTime, forgetPeak, peakOf, residentOf } from './usage.ts'
import { freePort, until } from './waiting.ts'

/** What a server may take to stop when it is asked to; after that it is killed. */
const STOP_MS = 10_000
const REPOSITORY = new URL('../../../', import.meta.url).pathname

export type BenchServer = {
  port: number
  pid: number
  /** From spawning it to its first 200. */
  startMs: number
  /** CPU time so far in microseconds, of all its threads. */
  cpu(): Promise<number>
  /** Memory that it holds now, in megabytes. */
  memory(): Promise<number>
  /** The most that it held since it began, or since `forgetPeak`, in megabytes. */
  peak(): Promise<number>
  forgetPeak(): Promise<void>
  stop(): Promise<void>
}

/** Everything that a scenario stands on. Each server and each load generator is a process of its own; all end with it. */
export class Ground {
  readonly #opened = new AsyncDisposableStack()
  #stopped: Promise<void> | undefined
  readonly stores = new Stores(this.#opened)

  /** Ends all of it, and makes what still runs on it fail. Resolves when all is gone, however often it is called. */
  stop(): Promise<void> {
    this.#stopped ??= this.#opened.disposeAsync()
    return this.#stopped
  }

  async directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'parley-bench-'))
    this.#opened.defer(() => rm(path, { recursive: true, force: true }))
    return path
  }

  /** Runs `entry` with PORT (and APP_PORT, as ours has it) set, until it answers 200 on /health/live. */
  async start(entry: URL, env: Record<string, string> = {}, everyMs?: number): Promise<BenchServer> {
    const port = await freePort()
    // A real file: what a server spends on its log belongs to its figure.
    const log = join(await this.directory(), 'log')
    const begun = performance.now()
    const child = Bun.spawn(['bun', '--no-env-file', entry.pathname], {
      cwd: REPOSITORY,
      env: { ...inherited(), PORT: String(port), APP_PORT: String(port), ...env },
      stdin: 'ignore',
      stdout: Bun.file(log),
      stderr: Bun.file(`${log}.errors`),
    })
    const stop = async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await child.exited
      clearTimeout(timer)
    }
    this.#opened.defer(stop)
    await until(
      `${entry.pathname} serves`,
      async () => {
        if (child.exitCode !== null)
          throw new Error(`${entry.pathname} ended: ${await readFile(`${log}.errors`, 'utf8')}`)
        return answers(port)
      },
      everyMs,
    )
    return {
      port,
      pid: child.pid,
      startMs: performance.now() - begun,
      stop,
      cpu: () => cpuTime(child.pid),
      memory: async () => (await residentOf(child.pid)) / 1_048_576,
      peak: async () => (await peakOf(child.pid)) / 1_048_576,
      forgetPeak: () => forgetPeak(child.pid),
    }
  }

  /** Runs a load generator to its end: `order` goes in, what it prints comes out. */
  async load<Outcome extends z.ZodType>(generator: URL, order: unknown, outcome: Outcome): Promise<z.infer<Outcome>> {
    const child = Bun.spawn(['bun', '--no-env-file', generator.pathname], {
      cwd: REPOSITORY,
      env: inherited(),
      stdin: new Blob([JSON.stringify(order)]),
      stdout: 'pipe',
      stderr: 'pipe',
    })
    this.#opened.defer(() => child.kill())
    const [printed, faults, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited])
    if (code !== 0) throw new Error(`${generator.pathname} ended: ${faults.trim()}`)
    return outcome.parse(JSON.parse(printed))
  }
}

/** What a process needs to run at all, and nothing that could configure it. */
function inherited(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR = tmpdir() } = process.env
  return { PATH, HOME, TMPDIR }
}

function textOf(stream: ReadableStream): Promise<string> {
  return new Response(stream).text()
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health/live`)).status === 200
  } catch {
    return false
  }
}
