import { createParser } from 'eventsource-parser'
import { z } from 'zod'
import { AnswerFault } from '../../domain/answers/answer-fault.ts'
import type { AnswerPart } from '../../domain/ports.ts'
import { ToolCall, ToolCalls } from './openai-tools.ts'

/** What the service says instead of going on. */
type StreamError = { type: 'error'; error: unknown }

/** The model wants a person to go on: the last of it. `message`: what is to be said of that. */
type Asked = { type: 'asked'; message: string | undefined }

/** UTF-16 code units of one event; a whole answer in one is far less. */
const EVENT_MAX_LENGTH = 4_194_304

/** Some models give their text in pieces of several kinds. */
const Content = z.union([
  z.string(),
  z
    .array(z.looseObject({ type: z.string(), text: z.string().optional().catch(undefined) }))
    .transform((pieces) => pieces.map(({ type, text }) => (type === 'text' ? (text ?? '') : '')).join('')),
])

const Annotation = z.object({
  type: z.literal('url_citation'),
  url_citation: z.object({ url: z.url({ protocol: /^https?$/ }), title: z.string().optional() }),
})

const Delta = z.object({
  content: Content.nullish(),
  refusal: z.string().nullish(),
  annotations: z.array(z.unknown()).nullish().catch(null),
  tool_calls: z.array(ToolCall).nullish().catch(null),
})

const Chunk = z.object({
  choices: z.array(z.object({ delta: Delta.nullish(), finish_reason: z.string().nullish() })).nullish(),
  usage: z
    .object({ prompt_tokens: z.int().nonnegative(), completion_tokens: z.int().nonnegative() })
    .nullish()
    .catch(null),
  error: z.unknown().optional(),
})

/**
 * The parts of an answer, as they come. `mayAsk`: the model was told how to ask for a person. Throws an `AnswerFault` where
 * there is no reading on.
 */
export async function* partsOf(
  body: Response['body'],
  { mayAsk }: { mayAsk: boolean },
): AsyncGenerator<AnswerPart | StreamError | Asked> {
  const calls = new ToolCalls()
  let finish: string | undefined
  let events = 0
  let text = false
  for await (const { event, data } of eventsOf(body)) {
    events += 1
    if (data === '[DONE]') {
      finish ??= 'stop'
      break
    }
    const chunk = chunkOf(data)
    if (event === 'error' || (chunk.error ?? null) !== null) {
      yield { type: 'error', error: chunk.error ?? data }
      return
    }
    const [choice] = chunk.choices ?? []
    for (const part of partsOfDelta(choice?.delta ?? {})) {
      text ||= part.type === 'text'
      yield part
    }
    for (const call of choice?.delta?.tool_calls ?? []) calls.add(call)
    finish = choice?.finish_reason ?? finish
    if (chunk.usage) {
      const { prompt_tokens, completion_tokens } = chunk.usage
      yield { type: 'usage', usage: { input_tokens: prompt_tokens, output_tokens: completion_tokens } }
    }
  }
  if (events === 0) throw new AnswerFault('The AI service answered with something else than a stream.')
  if (finish === undefined) throw new AnswerFault('The AI service broke off.', { passing: true })
  if (finish === 'content_filter') throw new AnswerFault(`The AI service withheld ${text ? 'the rest' : 'the answer'}.`)
  if (mayAsk && calls.person) {
    yield { type: 'asked', ...calls.person }
    return
  }
  if (!text && /^(tool_calls|function_call)$/.test(finish)) {
    throw new AnswerFault('The AI model asked for a tool, and it has none here.')
  }
}

function* partsOfDelta({ content, refusal, annotations }: Partial<z.infer<typeof Delta>>): Generator<AnswerPart> {
  // That it does not want to answer is what the model has to say.
  for (const text of [content, refusal]) if (text) yield { type: 'text', text }
  for (const annotation of annotations ?? []) {
    const { data } = Annotation.safeParse(annotation)
    if (data === undefined) continue
    const { url, title } = data.url_citation
    yield { type: 'source', source: { title: title || new URL(url).host, url } }
  }
}

function chunkOf(data: string): z.infer<typeof Chunk> {
  try {
    return Chunk.parse(JSON.parse(data))
  } catch (cause) {
    throw new AnswerFault('The AI service answered something that cannot be read.', { cause })
  }
}

type StreamEvent = { event?: string | undefined; data: string }

async function* eventsOf(body: Response['body']): AsyncGenerator<StreamEvent> {
  let events: StreamEvent[] = []
  let tooLong = false
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onError({ type }) {
      tooLong ||= type === 'max-buffer-size-exceeded'
    },
    maxBufferSize: EVENT_MAX_LENGTH,
  })
  const decoder = new TextDecoder()
  for await (const bytes of body ?? []) {
    parser.feed(decoder.decode(bytes, { stream: true }))
    yield* events
    events = []
    if (tooLong) throw new AnswerFault('The AI service answered something that cannot be read.')
  }
}
