import { OpenAiAnswerer } from '../../src/adapters/answerers/openai.ts'
import { Outgoing } from '../../src/adapters/outgoing.ts'
import type { AnswerPart, AnswerRequest } from '../../src/domain/ports.ts'

/** The key that the server is configured with: it must not be seen anywhere but in the request. */
export const KEY = 'sk-test-0123456789abcdef'

/** One event of a chat-completions stream: a chunk with these fields. */
export function event(fields: object): string {
  const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'small', ...fields }
  return `data: ${JSON.stringify(chunk)}\n\n`
}

export const says = (content: string | null) =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
export const ends = (finish_reason: string) => event({ choices: [{ index: 0, delta: {}, finish_reason }] })
export const DONE = 'data: [DONE]\n\n'

/** An answer as the service streams it: whatever is given, in pieces, and then the end of the connection. */
export function stream(...pieces: (string | Uint8Array)[]): Response {
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === 'string' ? Buffer.from(piece) : piece)
      controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** A service that says what the test lets it say, and what it was asked. */
export class ChatCompletions {
  readonly asked: { path: string; headers: Headers; body: unknown }[] = []
  readonly #server

  constructor(answer: (request: Request) => Response | Promise<Response>) {
    this.#server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      idleTimeout: 0,
      fetch: async (request) => {
        const { pathname, search } = new URL(request.url)
        this.asked.push({ path: pathname + search, headers: request.headers, body: await request.clone().json() })
        return answer(request)
      },
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`
  }

  answerer(settings: { baseUrl?: string; apiKey?: string | undefined } = {}): OpenAiAnswerer {
    const all = { baseUrl: `${this.url}/v1`, apiKey: KEY, model: 'small', ...settings }
    return new OpenAiAnswerer(new Outgoing({ allowPrivate: true }), all)
  }

  async [Symbol.asyncDispose]() {
    await this.#server.stop(true)
  }
}

export function request(fields: Partial<AnswerRequest> = {}): AnswerRequest {
  return {
    chatId: 'chat',
    messageId: 'message',
    answerId: 'answer',
    systemPrompt: null,
    attached: '',
    history: [],
    message: 'Hello?',
    begun: '',
    mayAskForPerson: false,
    limits: { endsAt: Date.now() + 60_000, length: 100_000 },
    signal: new AbortController().signal,
    ...fields,
  }
}

/** All that an answerer gives, and what it throws at the end. */
export async function collect(parts: AsyncIterable<AnswerPart>) {
  const all: AnswerPart[] = []
  let fault: unknown
  try {
    for await (const part of parts) all.push(part)
  } catch (thrown) {
    fault = thrown
  }
  const text = all.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return { parts: all, text, fault }
}
