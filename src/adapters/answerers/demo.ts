import type { Answerer, AnswerPart, AnswerRequest } from '../../domain/ports.ts'

/** Answers without a model or a network: the same question in the same place gets the same answer, word by word. */
export class DemoAnswerer implements Answerer {
  readonly #pauseMs: number

  /** `pauseMs`: between two words. */
  constructor({ pauseMs = 0 }: { pauseMs?: number } = {}) {
    this.#pauseMs = pauseMs
  }

  async *answer({ history, message, signal }: AnswerRequest): AsyncGenerator<AnswerPart> {
    const asked = history.filter(({ role }) => role === 'user').length + 1
    const text = `You said: “${excerpt(message)}”. That is message ${asked} of yours here, and this is the demo: no model is connected.`
    for (const word of text.split(/(?<= )/)) {
      if (signal.aborted) return
      yield { type: 'text', text: word }
      if (this.#pauseMs > 0) await Bun.sleep(this.#pauseMs)
    }
  }
}

const EXCERPT_MAX = 200

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= EXCERPT_MAX ? line : `${line.slice(0, EXCERPT_MAX).trimEnd()}…`
}
