import { AnswerFault } from '../../domain/answers/answer-fault.ts'
import type { Answerer, AnswerPart, AnswerRequest } from '../../domain/ports.ts'
import { type Outgoing, OutgoingFault } from '../outgoing.ts'
import { conversationOf } from './conversation.ts'

export type CallbackSettings = {
  url: string
  /** Sent as `X-API-Key`. */
  apiKey: string | undefined
  /** The URL that the service calls back for this answer, with what lets it. */
  callbackUrl(request: AnswerRequest): string
}

/** What the message says where the service does not take it, as documented. */
export const APOLOGY = "Sorry, I'm having trouble processing your request right now. Please try again later."
const ACCEPT_MS = 10_000

/** Answers by the documented AI service: it takes the request, and calls back with the answer. */
export class CallbackAnswerer implements Answerer {
  readonly name = 'callback'
  readonly apology = APOLOGY
  readonly #outgoing: Pick<Outgoing, 'fetch'>
  readonly #settings: CallbackSettings

  constructor(outgoing: Pick<Outgoing, 'fetch'>, settings: CallbackSettings) {
    this.#outgoing = outgoing
    this.#settings = settings
  }

  async *answer(request: AnswerRequest): AsyncGenerator<AnswerPart> {
    const { url, apiKey, callbackUrl } = this.#settings
    const { before, message } = conversationOf(request)
    const { status, body } = await this.#ask(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }) },
      body: JSON.stringify({ message, conversation_history: before, callback_url: callbackUrl(request) }),
      signal: request.signal,
      deadlineMs: ACCEPT_MS,
    })
    await body?.cancel()
    if (status < 200 || status > 299) {
      const passing = status === 429 || status >= 500
      throw new AnswerFault(`The AI service answered with status ${status}.`, { passing })
    }
    yield { type: 'handed_over' }
  }

  async #ask(url: string, request: Parameters<Outgoing['fetch']>[1]): Promise<Response> {
    try {
      return await this.#outgoing.fetch(url, request)
    } catch (cause) {
      if (!(cause instanceof OutgoingFault)) throw cause
      const refused = cause.reason === 'refused'
      const message = refused
        ? 'The AI service is at an address that may not be asked.'
        : 'The AI service did not answer.'
      throw new AnswerFault(message, { passing: cause.reason === 'unreachable', cause })
    }
  }
}
