import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { InvalidBody } from '../../src/contract/failures.ts'
import { startServer, type TestServer } from '../support/app.ts'

const messages = '/v1/chat/sessions/bad/messages'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const postText = (body: BodyInit, type = 'application/json') =>
  server.call(messages, { method: 'POST', headers: { 'content-type': type }, body })

async function nothingStored(): Promise<void> {
  expect(await (await server.call(messages)).json()).toEqual({ session_id: 'bad', messages: [] })
}

describe('a body that breaks the schema is a 422 that names the field, and nothing is stored', () => {
  const cases: [string, string, (string | number)[]][] = [
    ['no object', '"text"', ['body']],
    ['an array', '[]', ['body']],
    ['null', 'null', ['body']],
    ['an empty body', '', ['body']],
    ['broken JSON', '{"role":"user"', ['body']],
    ['an unknown role', '{"role":"robot","content":"hi"}', ['body', 'role']],
    ['no content', '{"role":"user"}', ['body', 'content']],
    ['content of the wrong type', '{"role":"user","content":5}', ['body', 'content']],
    ['blank content', '{"role":"user","content":" \\n\\t\\u00a0"}', ['body', 'content']],
    ['a NUL character', '{"role":"user","content":"a\\u0000b"}', ['body', 'content']],
    ['half of a surrogate pair', '{"role":"user","content":"a\\ud800b"}', ['body', 'content']],
    ['content over the limit', JSON.stringify({ role: 'user', content: 'a'.repeat(32_769) }), ['body', 'content']],
    ['a role by __proto__', '{"__proto__":{"role":"user"},"content":"hi"}', ['body', 'role']],
  ]
  for (const [name, body, loc] of cases) {
    test(name, async () => {
      const response = await postText(body)
      expect(response.status).toBe(422)
      const { detail } = InvalidBody.parse(await response.json())
      expect(detail[0]?.loc).toEqual(loc)
      await nothingStored()
    })
  }
})

describe('a refusal has a status, a detail and a reason', () => {
  const megabyte = JSON.stringify({ role: 'user', content: 'a'.repeat(1_000_000) })
  const chunked = () => new Blob([megabyte]).stream()
  const cases: [string, () => Promise<Response>, number, string][] = [
    ['1 MB of content', () => postText(megabyte), 413, 'body_too_large'],
    ['1 MB of content without a length', () => postText(chunked()), 413, 'body_too_large'],
    ['another content type', () => postText('{"role":"user","content":"hi"}', 'text/plain'), 415, 'not_json'],
    ['a form', () => postText('role=user&content=hi', 'application/x-www-form-urlencoded'), 415, 'not_json'],
    ['an unknown route', () => server.call('/v1/chat/nothing'), 404, 'not_found'],
    ['the wrong method', () => server.call(messages, { method: 'PUT' }), 405, 'method_not_allowed'],
    ['a socket route without an upgrade', () => server.call('/v1/chat/sessions/bad/ws'), 426, 'upgrade_required'],
    [
      'a host that shifts the path',
      () => server.call('/x/health/live', { headers: { host: 'a' } }),
      400,
      'host_invalid',
    ],
  ]
  for (const [name, call, status, reason] of cases) {
    test(name, async () => {
      const response = await call()
      expect(response.status).toBe(status)
      expect(await response.json()).toEqual({ detail: expect.any(String), reason })
      await nothingStored()
    })
  }

  test('the wrong method names the right ones', async () => {
    const response = await server.call(messages, { method: 'PATCH' })
    expect(response.headers.get('allow')).toBe('GET, POST')
  })
})

describe('a session id that is none is a 422', () => {
  for (const id of ['a%20b', 'a%2Fb', '%00', 'é', 'a'.repeat(129), '{a}', '%ff']) {
    test(id.slice(0, 20), async () => {
      for (const path of [`/v1/chat/sessions/${id}/messages`, `/v1/chat/sessions/${id}/ws`]) {
        const response = await server.call(path)
        expect(response.status).toBe(422)
        const { detail } = InvalidBody.parse(await response.json())
        expect(detail[0]?.loc).toEqual(['path', 'session_id'])
      }
    })
  }
})

test('a page that is none is a 422', async () => {
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=1.5', 'after=%00', 'limit=1&limit=2']) {
    const response = await server.call(`/v1/chat/sessions?${query}`)
    expect(response.status).toBe(422)
    expect(InvalidBody.parse(await response.json()).detail[0]?.loc[0]).toBe('query')
  }
})

test('an API that is not public wants a login', async () => {
  const closed = await startServer({ env: { PUBLIC_APIS: 'desk' } })
  try {
    for (const path of ['/v1/chat/sessions', '/v1/chat/sessions/a/messages', '/v1/chat/sessions/a/ws']) {
      const response = await closed.call(path)
      expect(response.status).toBe(401)
      expect(await response.json()).toEqual({ detail: 'Not authenticated', reason: 'unauthenticated' })
    }
  } finally {
    await closed.close()
  }
})
