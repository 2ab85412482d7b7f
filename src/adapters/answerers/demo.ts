import { AnswerFault } from '../../domain/answers/answer-fault.ts'
import { beforeHalf } from '../../domain/answers/halves.ts'
import { pause } from '../../domain/pause.ts'
import type { Answerer, AnswerPart, AnswerRequest } from '../../domain/ports.ts'

/** Between two words where somebody asks for a slow answer. */
const SLOW_MS = 300

/** What the demo says it has read. */
const SOURCE = {
  title: 'Parley: the demo answerer',
  url: 'https://example.com/parley/demo',
  content: 'No model is connected: this text is a script.',
}

/**
 * Answers without a model or a network: the same question in the same place gets the same answer, word by word, with a
 * source. Some words of a question show what can happen: `slow`, `long`, `fail`, `human`.
 */
export class DemoAnswerer implements Answerer {
  readonly name = 'demo'
  readonly #pauseMs: number

  /** `pauseMs`: between two words. */
  constructor({ pauseMs = 0 }: { pauseMs?: number } = {}) {
    this.#pauseMs = pauseMs
  }

  async *answer({ history, message, begun, signal }: AnswerRequest): AsyncGenerator<AnswerPart> {
    const asked = history.filter(({ role }) => role === 'user').length + 1
    const has = (word: string) => new RegExp(`\\b${word}\\b`, 'i').test(message)
    const line = `You said: “${excerpt(message)}”. That is message ${asked} of yours here, and this is the demo: no model is connected.`
    const whole = has('long') ? Array.from({ length: 20 }, () => line).join('\n\n') : line
    const text = whole.startsWith(begun) ? whole.slice(begun.length) : ` ${whole}`
    const words = text.split(/(?<=\s)(?=\S)/)
    for (const [index, word] of words.entries()) {
      if (signal.aborted) return
      if (has('human') && index === 3) {
        yield { type: 'person' }
        return
      }
      if (has('fail') && index === 3) throw new AnswerFault('The demo was told to fail.')
      yield { type: 'text', text: word }
      const pauseMs = has('slow') ? Math.max(SLOW_MS, this.#pauseMs) : this.#pauseMs
      if (pauseMs > 0) await pause(pauseMs, signal)
    }
    yield { type: 'source', source: SOURCE }
    yield { type: 'usage', usage: { input_tokens: message.split(/\s+/).length, output_tokens: words.length } }
  }
}

const EXCERPT_MAX = 200

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= EXCERPT_MAX ? line : `${beforeHalf(line.slice(0, EXCERPT_MAX)).whole.trimEnd()}…`
}
