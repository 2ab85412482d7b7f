import type { UiChunk } from '../contract/ui-stream.ts'
import type { AnswerEnded } from '../domain/answers/client-turns.ts'

/** Tells one answer in the chunks of the AI SDK's UI message stream. */
export class UiMessage {
  readonly #messageId: string
  #told = ''
  /** Counts the texts that were told: one that is not true any more is taken back, and another begins. */
  #texts = 0
  #isOpen = false

  constructor(messageId: string) {
    this.#messageId = messageId
  }

  /** First: the reader makes a message of it at once, with no text yet. */
  begin(): UiChunk[] {
    return [{ type: 'start', messageId: this.#messageId }, { type: 'start-step' }]
  }

  /** More of its text, which goes to this offset; all of it, where there is none. What was told of it is told once. */
  says(text: string, offset?: number): UiChunk[] {
    if (offset === undefined) return this.#becomes(text)
    return this.#more(text.slice(Math.max(0, this.#told.length - offset)))
  }

  /** Last: what of its text was not told, or all of it where it became another; its sources, and how it ended. */
  ends({ status, content, sources, error }: AnswerEnded): UiChunk[] {
    const chunks = this.#becomes(content)
    if (this.#isOpen) chunks.push({ type: 'text-end', id: this.#textId })
    for (const { id, title, url } of sources) {
      if (url === undefined) chunks.push({ type: 'source-document', sourceId: id, mediaType: 'text/plain', title })
      else chunks.push({ type: 'source-url', sourceId: id, url, title })
    }
    chunks.push({ type: 'finish-step' })
    switch (status) {
      case 'completed':
        return [...chunks, { type: 'finish', finishReason: 'stop' }]
      case 'stopped':
        return [...chunks, { type: 'abort', reason: 'stopped' }, { type: 'finish', finishReason: 'interrupted' }]
      case 'failed':
        return [...chunks, { type: 'error', errorText: error ?? 'No answer could be made.' }]
    }
  }

  get #textId(): string {
    return `text-${this.#texts}`
  }

  #becomes(content: string): UiChunk[] {
    if (content.startsWith(this.#told)) return this.#more(content.slice(this.#told.length))
    this.#told = ''
    this.#isOpen = false
    return [{ type: 'reset-step' }, ...this.#more(content)]
  }

  #more(delta: string): UiChunk[] {
    if (delta === '') return []
    const chunks: UiChunk[] = []
    if (!this.#isOpen) {
      this.#texts += 1
      this.#isOpen = true
      chunks.push({ type: 'text-start', id: this.#textId })
    }
    this.#told += delta
    return [...chunks, { type: 'text-delta', id: this.#textId, delta }]
  }
}
