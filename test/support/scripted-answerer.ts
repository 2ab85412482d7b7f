import type { Answerer, AnswerPart, AnswerRequest } from '../../src/domain/ports.ts'
import { until } from './wait.ts'

/** One run, which a test speaks for. */
export class ScriptedRun {
  readonly request: AnswerRequest
  readonly #parts: AnswerPart[] = []
  #wake = () => {}
  #over = false
  #fault: unknown

  constructor(request: AnswerRequest) {
    this.request = request
    request.signal.addEventListener('abort', () => this.#wake())
  }

  say(text: string): void {
    this.give({ type: 'text', text })
  }

  give(part: AnswerPart): void {
    this.#parts.push(part)
    this.#wake()
  }

  end(): void {
    this.#over = true
    this.#wake()
  }

  fail(fault: unknown): void {
    this.#fault = fault
    this.#wake()
  }

  async *parts(): AsyncGenerator<AnswerPart> {
    while (!this.request.signal.aborted) {
      const part = this.#parts.shift()
      if (part !== undefined) yield part
      else if (this.#fault !== undefined) throw this.#fault
      else if (this.#over) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

/** Answers as the test says, run by run. */
export class ScriptedAnswerer implements Answerer {
  readonly name: Answerer['name']
  readonly runs: ScriptedRun[] = []

  constructor(name: Answerer['name'] = 'demo') {
    this.name = name
  }

  answer(request: AnswerRequest): AsyncIterable<AnswerPart> {
    const run = new ScriptedRun(request)
    this.runs.push(run)
    return run.parts()
  }

  /** The run that answers a message, once it has begun: the newest where there are several. */
  async run(message: string, count = 1): Promise<ScriptedRun> {
    const found = () => this.runs.filter(({ request }) => request.message === message)
    await until(() => found().length >= count, `run ${count} for ${message}`)
    const run = found().at(-1)
    if (run === undefined) throw new Error('It is there.')
    return run
  }
}
