import { z } from 'zod'

const Figures = z.object({ asked: z.int(), statuses: z.record(z.string(), z.int()) })
const SERVICE = new URL('./service.ts', import.meta.url).pathname

/** The fake AI service as a process. It is killed and started again in the same place. */
export class AiService {
  #child: Bun.Subprocess<'ignore', 'pipe', 'inherit'>
  #port = 0
  #asked = 0
  readonly #statuses = new Map<string, number>()
  kills = 0

  private constructor() {
    this.#child = this.#spawn()
  }

  static async start(): Promise<AiService> {
    const service = new AiService()
    await service.#serves()
    return service
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/process`
  }

  async killAndRestart(): Promise<void> {
    await this.#count()
    this.kills += 1
    await this.stop()
    this.#child = this.#spawn()
    await this.#serves()
  }

  /** Questions that it was asked, and how its calls were answered, but for what went on as it was killed. */
  async figures(): Promise<{ asked: number; statuses: ReadonlyMap<string, number> }> {
    await this.#count()
    return { asked: this.#asked, statuses: this.#statuses }
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#child.exited
  }

  #spawn() {
    return Bun.spawn([process.execPath, '--no-env-file', SERVICE], {
      env: { PATH: process.env['PATH'] ?? '', PORT: String(this.#port) },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'inherit',
    })
  }

  async #serves(): Promise<void> {
    const { value } = await this.#child.stdout.getReader().read()
    const port = Number(new TextDecoder().decode(value))
    if (!(port > 0)) throw new Error('The AI service did not start')
    this.#port = port
  }

  /** Of the process that runs, which counts from 0. */
  async #count(): Promise<void> {
    const answer = await fetch(new URL('/figures', this.url))
    const { asked, statuses } = Figures.parse(await answer.json())
    this.#asked += asked
    for (const [status, times] of Object.entries(statuses)) {
      this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + times)
    }
  }
}
