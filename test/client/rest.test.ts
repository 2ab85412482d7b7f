import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createClient } from '../../client/src/client.ts'
import { ParleyError, unwrap } from '../../client/src/errors.ts'
import { startServer, type TestServer } from '../support/app.ts'

setDefaultTimeout(60_000)

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const client = () => createClient(server.url)
const messagesOf = (session_id: string) => client().v1.chat.sessions({ session_id }).messages

/** What a client that is given `answer` for every call does with it. */
const answeredBy = (answer: () => Response | Promise<Response>) =>
  createClient('http://localhost', { fetch: answer }).v1.chat.sessions.get()

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('the client', () => {
  test('posts, reads, lists and clears', async () => {
    const messages = messagesOf('all')
    const posted = await unwrap(messages.post({ role: 'user', content: 'Hello' }))
    expect(posted).toEqual({
      session_id: 'all',
      messages: [{ id: expect.any(String), role: 'user', content: 'Hello', created_at: expect.any(String) }],
    })
    expect(await unwrap(messages.get())).toEqual(posted)
    expect(await unwrap(client().v1.chat.sessions.get({ query: { limit: 1, after: 'alk' } }))).toEqual([
      { session_id: 'all', message_count: 1 },
    ])
    const cleared = await client().v1.chat.sessions({ session_id: 'all' }).delete()
    expect(cleared.data).toEqual({ session_id: 'all', messages: [] })
    expect(cleared.error).toBeNull()
  })

  test('leaves text alone that looks like a date or a number', async () => {
    const messages = messagesOf('dates')
    await messages.post({ role: 'user', content: '2026-01-02' })
    const { messages: stored } = await unwrap(messages.post({ role: 'user', content: '2026-01-02T03:04:05.000Z' }))
    expect(stored.map(({ content }) => content)).toEqual(['2026-01-02', '2026-01-02T03:04:05.000Z'])
  })

  test('tells a refusal by its status or its reason, with what belongs to it', async () => {
    const { data, error } = await messagesOf('refused').post({ role: 'user', content: ' ' })
    expect(data).toBeNull()
    expect(error?.status).toBe(422)
    if (error?.status === 422) expect(error.value.detail[0]?.loc).toEqual(['body', 'content'])
    if (error?.value.reason === 'invalid') expect(error.value.detail[0]?.type).toBe('custom')
    else throw new Error('The reason is not told.')
  })

  test('gets 413 and 415 as typed refusals', async () => {
    const long = await messagesOf('refused').post({ role: 'user', content: 'x'.repeat(300_000) })
    expect(long.error?.status).toBe(413)
    expect(long.error?.value.reason).toBe('body_too_large')
    const text = await messagesOf('refused').post(
      { role: 'user', content: 'x' },
      { headers: { 'content-type': 'text/plain' } },
    )
    expect(text.error?.status).toBe(415)
    expect(text.error?.value.reason).toBe('not_json')
  })

  test('unwrap throws a refusal with its reason and issues', async () => {
    const failure = await failureOf(unwrap(messagesOf('refused').post({ role: 'user', content: ' ' })))
    expect(failure).toBeInstanceOf(ParleyError)
    expect(failure).toMatchObject({
      status: 422,
      reason: 'invalid',
      issues: [{ loc: ['body', 'content'], msg: 'Content must not be blank.' }],
    })
  })

  test('throws when nobody answers', async () => {
    const down = new TypeError('Unable to connect')
    const failure = await failureOf(answeredBy(() => Promise.reject(down)))
    expect(failure).toBeInstanceOf(ParleyError)
    expect(failure).toMatchObject({ status: 0, reason: 'unreachable', cause: down })
  })

  test("throws an error that is a proxy's", async () => {
    const failure = await failureOf(answeredBy(() => new Response('<h1>Bad Gateway</h1>', { status: 502 })))
    expect(failure).toBeInstanceOf(ParleyError)
    expect(failure).toMatchObject({ status: 502, reason: 'unknown', value: '<h1>Bad Gateway</h1>' })
  })

  test('asks for the token before each call, and sends its headers', async () => {
    const sent: (string | null)[] = []
    let turn = 0
    const named = createClient('http://localhost', {
      token: async () => {
        turn += 1
        return `token-${turn}`
      },
      headers: { 'x-request-id': 'from-the-caller' },
      fetch: ({ headers }) => {
        sent.push(headers.get('authorization'), headers.get('x-request-id'))
        return Response.json([])
      },
    })
    await named.v1.chat.sessions.get()
    await named.v1.chat.sessions.get()
    expect(sent).toEqual(['Bearer token-1', 'from-the-caller', 'Bearer token-2', 'from-the-caller'])
  })

  test('throws what a token function throws', async () => {
    const signedOut = new Error('Signed out')
    const unsigned = createClient(server.url, { token: () => Promise.reject(signedOut) })
    expect(await failureOf(unsigned.v1.chat.sessions.get())).toBe(signedOut)
  })

  test('takes no path parameter out of its place in the path', async () => {
    expect((await unwrap(messagesOf('a.b:c-d_e').get())).session_id).toBe('a.b:c-d_e')
    const { error } = await messagesOf('other/messages?').get()
    expect(error?.value.reason).toBe('invalid')
    expect(() => messagesOf('..')).toThrow(TypeError)
  })
})
