import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { OpenAiAnswerer } from '../../src/adapters/answerers/openai.ts'
import { Outgoing } from '../../src/adapters/outgoing.ts'
import { AnswerFault } from '../../src/domain/answers/answer-fault.ts'
import { ChatCompletions, collect, DONE, ends, event, KEY, request, says, stream } from '../support/chat-completions.ts'

setDefaultTimeout(60_000)

const WHOLE = [says(''), says('Hello'), says(' there.'), ends('stop'), DONE]

/** The answer that a service gives with this body. */
async function answerOf(body: Response | ((request: Request) => Response | Promise<Response>)) {
  await using service = new ChatCompletions(typeof body === 'function' ? body : () => body)
  return await collect(service.answerer().answer(request()))
}

/** The same, where it comes in exactly these pieces: a network would join or part them. */
async function answerInPieces(pieces: Uint8Array[]) {
  const outgoing = { fetch: async () => stream(...pieces) }
  const answerer = new OpenAiAnswerer(outgoing, { baseUrl: 'http://ai/v1', apiKey: KEY, model: 'small' })
  return collect(answerer.answer(request()))
}

/** The readable fault, after looking that neither it nor its cause tells the key. */
function faultIn({ fault }: { fault: unknown }): { message: string; passing: boolean; cause: string } {
  if (!(fault instanceof AnswerFault)) throw new Error('There was no readable fault.', { cause: fault })
  const cause = Bun.inspect(fault.cause)
  expect(fault.message + cause).not.toContain(KEY)
  return { message: fault.message, passing: fault.passing, cause }
}

describe('a chat-completions service', () => {
  test('is asked with the key, the model, what was said, and for the use of tokens', async () => {
    await using service = new ChatCompletions(() => stream(...WHOLE))
    const history = [
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'Two' },
    ] as const
    await collect(service.answerer().answer(request({ systemPrompt: 'Be brief.', history, message: 'Three' })))
    const [asked] = service.asked
    expect(asked?.path).toBe('/v1/chat/completions')
    expect(asked?.headers.get('authorization')).toBe(`Bearer ${KEY}`)
    expect(asked?.body).toEqual({
      model: 'small',
      messages: [{ role: 'system', content: 'Be brief.' }, ...history, { role: 'user', content: 'Three' }],
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  test('is asked without a key where there is none', async () => {
    await using service = new ChatCompletions(() => stream(...WHOLE))
    await collect(service.answerer({ apiKey: undefined }).answer(request()))
    expect(service.asked[0]?.headers.has('authorization')).toBe(false)
  })

  test.each([
    ['', '/chat/completions'],
    ['/', '/chat/completions'],
    ['/v1/', '/v1/chat/completions'],
    ['/openai/v1?api-version=2', '/openai/v1/chat/completions?api-version=2'],
  ])('is asked below its address, %s', async (path, asked) => {
    await using service = new ChatCompletions(() => stream(...WHOLE))
    await collect(service.answerer({ baseUrl: service.url + path }).answer(request()))
    expect(service.asked[0]?.path).toBe(asked)
  })

  test('is asked to go on with an answer that has begun', async () => {
    await using service = new ChatCompletions(() => stream(...WHOLE))
    await collect(service.answerer().answer(request({ begun: 'Once upon a' })))
    expect(service.asked[0]?.body).toMatchObject({
      messages: [
        { role: 'user', content: 'Hello?' },
        { role: 'assistant', content: 'Once upon a' },
        { role: 'user', content: expect.stringContaining('Go on') },
      ],
    })
  })
})

describe('an answer', () => {
  test('is given piece by piece as the service says it, then its use of tokens', async () => {
    const usage = event({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 } })
    const { parts, fault } = await answerOf(stream(...WHOLE.slice(0, 4), usage, DONE))
    expect(fault).toBeUndefined()
    expect(parts).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'text', text: ' there.' },
      { type: 'usage', usage: { input_tokens: 12, output_tokens: 3 } },
    ])
  })

  test('is given as it comes: a piece is there before the next is said', async () => {
    const pipe = new TransformStream<Uint8Array, Uint8Array>()
    const service = pipe.writable.getWriter()
    await using server = new ChatCompletions(() => new Response(pipe.readable))
    const parts = server.answerer().answer(request())
    for (const word of ['one', 'two', 'three']) {
      const next = parts.next()
      await service.write(Buffer.from(says(word)))
      expect(await next).toEqual({ done: false, value: { type: 'text', text: word } })
    }
    await service.write(Buffer.from(DONE))
    // The connection is still open: what the service said is the end.
    expect(await parts.next()).toEqual({ done: true, value: undefined })
  })

  test('is the same wherever the network parts it', async () => {
    const text = 'Æ 漢字 👩‍👩‍👧 \u2028 "quoted" \\ \n\n data: [DONE]'
    const lines = [': comment\n\n', says(text), 'event: message\r\n', says('!'), ends('stop'), DONE]
    const bytes = Buffer.from(lines.join(''))
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const answer = await answerInPieces([bytes.subarray(0, cut), bytes.subarray(cut)])
      expect(answer).toMatchObject({ text: `${text}!`, fault: undefined })
    }
    const answer = await answerInPieces(Array.from(bytes, (byte) => Uint8Array.of(byte)))
    expect(answer).toMatchObject({ text: `${text}!`, fault: undefined })
  })

  test.each(['\r\n', '\r', '\n'])('may have its lines end with %j', async (end) => {
    const body = WHOLE.join('').replaceAll('\n', end)
    expect(await answerOf(stream(body))).toMatchObject({ text: 'Hello there.', fault: undefined })
  })

  test('takes what the services that speak like it do differently', async () => {
    const answer = await answerOf(
      stream(
        event({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] }),
        event({ choices: [{ delta: { role: 'assistant', reasoning_content: 'Hmm' } }], usage: null }),
        event({
          choices: [
            {
              delta: {
                content: [
                  { type: 'thinking', thinking: [] },
                  { type: 'text', text: 'He' },
                ],
              },
            },
          ],
        }),
        says(null),
        says('llo'),
        event({ choices: [{ delta: null, finish_reason: 'stop' }], usage: { prompt_tokens: 'many' } }),
      ),
    )
    expect(answer).toEqual({
      parts: [
        { type: 'text', text: 'He' },
        { type: 'text', text: 'llo' },
      ],
      text: 'Hello',
      fault: undefined,
    })
  })

  test('cites the pages that the model names, and those alone that are pages', async () => {
    const cited = (url: unknown, title?: string) => ({ type: 'url_citation', url_citation: { url, title } })
    const annotations = [
      cited('https://example.com/a', 'A'),
      cited('https://example.com/b'),
      cited('javascript:alert(1)', 'X'),
      cited(7),
      { type: 'file' },
      null,
    ]
    const { parts } = await answerOf(stream(says('See.'), event({ choices: [{ delta: { annotations } }] }), DONE))
    expect(parts.slice(1)).toEqual([
      { type: 'source', source: { title: 'A', url: 'https://example.com/a' } },
      { type: 'source', source: { title: 'example.com', url: 'https://example.com/b' } },
    ])
  })

  test('that was cut off at the length the model may say is an answer', async () => {
    expect(await answerOf(stream(says('And so'), ends('length'), DONE))).toMatchObject({
      text: 'And so',
      fault: undefined,
    })
  })

  test('in which the model refuses is what it says', async () => {
    const refusal = event({ choices: [{ delta: { refusal: 'I would rather not.' } }] })
    expect(await answerOf(stream(refusal, ends('stop'), DONE))).toMatchObject({
      text: 'I would rather not.',
      fault: undefined,
    })
  })

  test('without an end is taken up to the length that somebody wants, and left', async () => {
    const left = Promise.withResolvers<void>()
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.from(says('0123456789'))),
      cancel: () => left.resolve(),
    })
    await using service = new ChatCompletions(() => new Response(endless))
    const limits = { endsAt: Date.now() + 60_000, length: 95 }
    const { text, fault } = await collect(service.answerer().answer(request({ limits })))
    expect([text.length, fault]).toEqual([100, undefined])
    await left.promise
  })
})

describe('an answer that nobody wants any more', () => {
  test('ends, quietly, and the service hears of it', async () => {
    const left = Promise.withResolvers<void>()
    const stop = new AbortController()
    const hanging = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(says('One'))),
      cancel: () => left.resolve(),
    })
    await using service = new ChatCompletions(() => new Response(hanging))
    const parts = service.answerer().answer(request({ signal: stop.signal }))
    expect(await parts.next()).toEqual({ done: false, value: { type: 'text', text: 'One' } })
    const next = parts.next()
    stop.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    await left.promise
  })

  test('ends as well before the service has said anything', async () => {
    const stop = new AbortController()
    await using service = new ChatCompletions(() => {
      stop.abort()
      return new Promise(() => {})
    })
    const { parts, fault } = await collect(service.answerer().answer(request({ signal: stop.signal })))
    expect([parts, fault]).toEqual([[], undefined])
  })
})

describe('a service that fails', () => {
  const error = (message: string, fields: object = {}) => ({
    error: { message, type: 'error', param: null, ...fields },
  })
  test.each([
    [401, error(`Incorrect API key provided: ${KEY}.`), 'does not accept the key', false],
    [403, error('No access'), 'does not accept the key', false],
    [404, error('The model does not exist', { code: 'model_not_found' }), 'does not know the model', false],
    [404, '<html>404 page not found</html>', 'does not know the model', false],
    [
      400,
      error("This model's maximum context length is 8 tokens", { code: 'context_length_exceeded' }),
      'too long',
      false,
    ],
    [413, 'Payload Too Large', 'too long', false],
    [400, error('Unsupported parameter'), 'refused the request (400)', false],
    [422, { detail: [{ msg: 'Field required' }] }, 'refused the request (422)', false],
    [429, error('Rate limit reached', { code: 'rate_limit_exceeded' }), 'busy', true],
    [429, error('You exceeded your quota', { code: 'insufficient_quota' }), 'no quota', false],
    [500, error('The server had an error'), 'failed (500)', true],
    [503, { error: 'model is loading' }, 'failed (503)', true],
    [529, '', 'failed (529)', true],
    [500, 'x'.repeat(1_000_000), 'failed (500)', true],
    [302, '', 'refused the request (302)', false],
    [204, '', 'refused the request (204)', false],
  ])('with %i and %j says so in our words', async (status, body, said, passing) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const headers = { location: 'http://127.0.0.1:1/' }
    const answer = await answerOf(() => new Response(status === 204 ? null : text, { status, headers }))
    const fault = faultIn(answer)
    expect(answer.parts).toEqual([])
    expect(fault.message).toContain(said)
    expect(fault.passing).toBe(passing)
    expect(fault.cause.length).toBeLessThan(5000)
  })

  test.each([
    ['2', 2000],
    ['Wed, 01 Jan 2020 00:00:00 GMT', 0],
    ['soon', 0],
    ['-5', 0],
  ])('tells when it may be asked again: Retry-After %j', async (header, ms) => {
    const answer = await answerOf(() => new Response('', { status: 429, headers: { 'retry-after': header } }))
    expect(answer.fault).toMatchObject({ passing: true, retryAfterMs: ms })
  })

  test('tells the log what it said, without what looks like a key', async () => {
    const said = { error: { message: `Bearer abcdefgh1234 and ${KEY} and sk-proj-other_Key99 are no keys` } }
    const { cause } = faultIn(await answerOf(Response.json(said, { status: 401 })))
    expect(cause).toContain('are no keys')
    expect(cause).not.toMatch(/abcdefgh1234|other_Key99/)
  })

  test.each([
    ['an error in the stream', [event({ error: { message: `overloaded ${KEY}`, code: 529 } })], 'failed while', true],
    ['an event of that name', ['event: error\ndata: {"message":"overloaded"}\n\n'], 'failed while', true],
    ['a conversation too long', [event({ error: { message: 'maximum context length' } })], 'too long', false],
    ['an end before the end', [], 'broke off', true],
    ['a half event at the end', ['data: {"choi'], 'broke off', true],
    ['no JSON', ['data: <html>\n\n'], 'cannot be read', false],
    ['JSON of another kind', ['data: [1]\n\n'], 'cannot be read', false],
    ['text that is none', [event({ choices: [{ delta: { content: { a: 1 } } }] })], 'cannot be read', false],
    ['an event without an end', [`data: "${'x'.repeat(5_000_000)}`], 'cannot be read', false],
    ['a filter', [ends('content_filter'), DONE], 'withheld the rest', false],
  ])('after it began, with %s, has given what it said', async (_, pieces, said, passing) => {
    const answer = await answerOf(stream(says('Hello'), ...pieces))
    expect(answer.text).toBe('Hello')
    expect(faultIn(answer)).toMatchObject({ message: expect.stringContaining(said), passing })
  })

  test.each([
    ['nothing', [], 'something else than a stream'],
    ['a page', ['<html><body>Welcome</body></html>'], 'something else than a stream'],
    ['JSON', ['{"choices":[{"message":{"content":"Hello"}}]}'], 'something else than a stream'],
    ['bytes', [crypto.getRandomValues(new Uint8Array(60_000))], 'something else than a stream'],
    ['no text', [ends('stop'), DONE], 'empty answer'],
    ['no choices', [event({ choices: [] }), DONE], 'empty answer'],
    ['its end alone', [DONE], 'empty answer'],
    ['a filter', [ends('content_filter'), DONE], 'withheld the answer'],
    [
      'a call of a tool',
      [event({ choices: [{ delta: { tool_calls: [{ index: 0, id: 'call_1' }] } }] }), ends('tool_calls'), DONE],
      'asked for a tool',
    ],
  ])('and says %s gives no answer', async (_, pieces, said) => {
    const answer = await answerOf(stream(...pieces))
    expect(answer.parts).toEqual([])
    expect(faultIn(answer).message).toContain(said)
  })

  test('by breaking the connection may well answer in a moment', async () => {
    const server = Bun.listen({
      port: 0,
      hostname: '127.0.0.1',
      socket: {
        data(socket) {
          const chunk = says('Hello')
          socket.write(
            `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`,
          )
          socket.flush()
          setImmediate(() => socket.terminate())
        },
      },
    })
    const settings = { baseUrl: `http://127.0.0.1:${server.port}`, apiKey: KEY, model: 'small' }
    const answer = await collect(new OpenAiAnswerer(new Outgoing({ allowPrivate: true }), settings).answer(request()))
    server.stop(true)
    expect(faultIn(answer)).toMatchObject({ passing: true })
  })

  test('to be reached, or to answer in time, says which', async () => {
    const outgoing = new Outgoing({ allowPrivate: true })
    const nowhere = new OpenAiAnswerer(outgoing, { baseUrl: 'http://127.0.0.1:1', apiKey: KEY, model: 'small' })
    const gone = faultIn(await collect(nowhere.answer(request())))
    expect(gone).toMatchObject({ message: 'The AI service cannot be reached.', passing: true })

    await using silent = new ChatCompletions(() => new Promise(() => {}))
    const soon = { endsAt: Date.now() + 20, length: 100 }
    const late = faultIn(await collect(silent.answerer().answer(request({ limits: soon }))))
    expect(late).toMatchObject({ message: 'The AI service did not answer in time.', passing: true })
  })

  test('to have an address that may be asked is not asked', async () => {
    await using service = new ChatCompletions(() => stream(...WHOLE))
    const outgoing = new Outgoing({ allowPrivate: false })
    const inside = new OpenAiAnswerer(outgoing, { baseUrl: service.url, apiKey: KEY, model: 'small' })
    expect(faultIn(await collect(inside.answer(request()))).message).toContain('must not be asked')
    expect(service.asked).toEqual([])
  })
})
