import { AnswerFault } from '../../domain/answers/answer-fault.ts'
import type { Answerer, AnswerPart, AnswerRequest } from '../../domain/ports.ts'
import { type Outgoing, OutgoingFault, textOf } from '../outgoing.ts'
import { conversationOf } from './conversation.ts'
import { errorOf, faultOfStatus, refusedBy } from './openai-faults.ts'
import { partsOf } from './openai-stream.ts'
import { isAboutTools, TOOLS } from './openai-tools.ts'

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
  /** Until the service says that the model has none. */
  #hasTools = true

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
      const { body, mayAsk } = await this.#ask(request)
      for await (const part of partsOf(body, { mayAsk })) {
        if (part.type === 'error') throw refusedBy(part.error, this.#settings.apiKey)
        if (part.type === 'asked') {
          if (length === 0 && part.message) yield { type: 'text', text: behind(begun, part.message) }
          yield { type: 'person' }
          return
        }
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

  /** `mayAsk`: the model was told how to ask for a person. */
  async #ask(
    request: AnswerRequest,
    mayAsk = request.mayAskForPerson && this.#hasTools,
  ): Promise<{ body: Response['body']; mayAsk: boolean }> {
    const { apiKey } = this.#settings
    const response = await this.#send(request, mayAsk)
    if (response.status === 200) return { body: response.body, mayAsk }
    const error = errorOf((await textOf(response, ERROR_MAX_BYTES)) ?? '')
    if (!(mayAsk && isAboutTools(response, error))) throw faultOfStatus(response, error, apiKey)
    const plain = await this.#ask(request, false)
    // It was not about something else.
    this.#hasTools = false
    return plain
  }

  #send(request: AnswerRequest, mayAsk: boolean): Promise<Response> {
    const { apiKey, model } = this.#settings
    const { before, message } = conversationOf(request)
    return this.#outgoing.fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        model,
        messages: [...before, { role: 'user', content: message }],
        ...(mayAsk ? { tools: TOOLS } : {}),
        stream: true,
        stream_options: { include_usage: true },
      }),
      signal: request.signal,
      deadlineMs: Math.max(request.limits.endsAt - Date.now(), 1),
    })
  }
}

function behind(begun: string, said: string): string {
  return begun === '' ? said : `\n\n${said}`
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
