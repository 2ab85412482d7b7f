import { AnswerFault } from '../../domain/answers/answer-fault.ts'
import type { Answerer, AnswerPart, AnswerRequest } from '../../domain/ports.ts'
import { type Outgoing, OutgoingFault, textOf } from '../outgoing.ts'
import { conversationOf } from './conversation.ts'
import { errorOf, faultOfStatus, refusedBy } from './openai-faults.ts'
import { partsOf } from './openai-stream.ts'

export type OpenAiSettings = {
  /** Ends where `/chat/completions` begins; a query stays at the end. */
  baseUrl: string
  /** Not set for services that want none. */
  apiKey: string | undefined
  model: string
}

/** An error's body is read so far. */
const ERROR_MAX_BYTES = 65_536

/** Answers by a chat-completions endpoint, of OpenAI or of the many services that speak like it. */
export class OpenAiAnswerer implements Answerer {
  readonly name = 'openai'
  readonly #outgoing: Pick<Outgoing, 'fetch'>
  readonly #settings: OpenAiSettings
  readonly #url: string

  constructor(outgoing: Pick<Outgoing, 'fetch'>, settings: OpenAiSettings) {
    this.#outgoing = outgoing
    this.#settings = settings
    const url = new URL(settings.baseUrl)
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
    this.#url = url.href
  }

  async *answer(request: AnswerRequest): AsyncGenerator<AnswerPart> {
    const { signal, limits, begun } = request
    let length = 0
    try {
      const response = await this.#ask(request)
      for await (const part of partsOf(response.body)) {
        if (part.type === 'error') throw refusedBy(part.error, this.#settings.apiKey)
        if (part.type === 'text') length += part.text.length
        yield part
        if (length >= limits.length) return
      }
    } catch (fault) {
      // Whoever aborted knows why.
      if (signal.aborted) return
      throw readable(fault)
    }
    if (length === 0 && begun === '') throw new AnswerFault('The AI model gave an empty answer.')
  }

  async #ask(request: AnswerRequest): Promise<Response> {
    const { apiKey, model } = this.#settings
    const { before, message } = conversationOf(request)
    const response = await this.#outgoing.fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        model,
        messages: [...before, { role: 'user', content: message }],
        stream: true,
        stream_options: { include_usage: true },
      }),
      signal: request.signal,
      deadlineMs: Math.max(request.limits.endsAt - Date.now(), 1),
    })
    if (response.status === 200) return response
    const body = await textOf(response, ERROR_MAX_BYTES)
    throw faultOfStatus(response, errorOf(body ?? ''), apiKey)
  }
}

function readable(fault: unknown): unknown {
  if (fault instanceof AnswerFault) return fault
  if (fault instanceof OutgoingFault && fault.reason === 'refused') {
    return new AnswerFault('The AI service has an address that must not be asked.', { cause: fault })
  }
  if (fault instanceof OutgoingFault && fault.reason === 'late') {
    return new AnswerFault('The AI service did not answer in time.', { passing: true, cause: fault })
  }
  if (fault instanceof OutgoingFault) {
    return new AnswerFault('The AI service cannot be reached.', { passing: true, cause: fault })
  }
  // A connection that breaks while it is read from.
  if (fault instanceof Error && 'code' in fault) {
    return new AnswerFault('The AI service broke off.', { passing: true, cause: fault })
  }
  return fault
}
