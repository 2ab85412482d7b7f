import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { InvalidBody } from '../../src/contract/failures.ts'
import { startServer, type TestServer } from '../support/app.ts'

setDefaultTimeout(60_000)

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
  const cases: [string, string | Buffer<ArrayBuffer>, (string | number)[]][] = [
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
    ['text that is not UTF-8', Buffer.from('{"role":"user","content":"caf\xe9"}', 'latin1'), ['body']],
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

describe('a Host that is none is a 400, whatever the path', () => {
  // By hand: fetch refuses to send these.
  const answerTo = async (host: string, path: string): Promise<string> => {
    const { hostname, port } = new URL(server.url)
    const answer = Promise.withResolvers<string>()
    let received = ''
    await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => void socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
        data: (_, chunk) => {
          received += chunk.toString()
        },
        close: () => answer.resolve(received),
        error: (_, fault) => answer.reject(fault),
      },
    })
    return answer.promise
  }
  const hosts = ['a b', 'localhost:99999', '[::1', 'a', '']
  const paths = [
    '/nothing',
    '/v1/chat/sessions?limit=1',
    '/shifted-by-this/health/live',
    '/trpc/sessions.list',
    '/docs',
  ]
  for (const host of hosts) {
    test(host === '' ? 'an empty one' : host, async () => {
      for (const path of paths) {
        const answer = await answerTo(host, path)
        expect(answer).toStartWith('HTTP/1.1 400 ')
        expect(answer).toContain('"reason":"host_invalid"')
        expect(answer.toLowerCase()).toContain('x-request-id: ')
      }
    })
  }
})

test('no body is read but by our own bounded parsers', async () => {
  for (const door of server.doors) {
    const [method = '', path = ''] = door.split(' ')
    if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(method)) continue
    const headers = { 'content-type': 'application/json' }
    const response = await server.call(path.replace(/:\w+/g, 'a'), { method, headers, body: '{{{' })
    // What Elysia's own parser says of it. It has no limit but the server's, of 64 MiB.
    expect(await response.text(), door).not.toContain('Unreadable body')
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
