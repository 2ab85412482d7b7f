import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import pino from 'pino'
import { startServer, type TestServer } from '../support/app.ts'

setDefaultTimeout(60_000)

const path = '/v1/chat/sessions/web/messages'

async function withServer(env: Record<string, string>, use: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer({ env })
  try {
    await use(server)
  } finally {
    await server.close()
  }
}

const preflight = (server: TestServer, origin: string) =>
  server.call(path, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
  })

test('what a browser asks beforehand is logged as every request is', async () => {
  const lines: string[] = []
  const server = await startServer({ logger: pino({}, { write: (line) => lines.push(line) }) })
  try {
    await preflight(server, 'http://localhost:3000')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ method: 'OPTIONS', path, status: 204 }])
  } finally {
    await server.close()
  }
})

describe('a page of another origin', () => {
  test('may call where its origin is named, and read what it needs of the answer', async () => {
    await withServer({ ALLOWED_ORIGINS: 'https://app.example.com,https://two.example.com' }, async (server) => {
      const asked = await preflight(server, 'https://two.example.com')
      expect(asked.status).toBe(204)
      expect(asked.headers.get('access-control-allow-origin')).toBe('https://two.example.com')
      expect(asked.headers.get('access-control-allow-methods')).toContain('POST')
      expect(asked.headers.get('access-control-allow-headers')).toContain('content-type')
      expect(asked.headers.get('access-control-allow-headers')).toContain('authorization')
      expect(asked.headers.get('vary')?.toLowerCase()).toContain('origin')

      const answer = await server.call(path, { headers: { origin: 'https://two.example.com' } })
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://two.example.com')
      expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id')
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    })
  })

  test('is not let in otherwise, also not to read an error', async () => {
    await withServer({ ALLOWED_ORIGINS: 'https://app.example.com' }, async (server) => {
      for (const origin of [
        'https://evil.example.com',
        'http://app.example.com',
        'https://app.example.com.evil.com',
        'null',
      ]) {
        expect((await preflight(server, origin)).headers.get('access-control-allow-origin')).toBeNull()
        for (const asked of [path, '/nowhere']) {
          const answer = await server.call(asked, { headers: { origin } })
          expect(answer.headers.get('access-control-allow-origin')).toBeNull()
        }
      }
      const refused = await server.call('/nowhere', { headers: { origin: 'https://app.example.com' } })
      expect(refused.status).toBe(404)
      expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    })
  })

  test('in development may be any on this machine, and no other', async () => {
    await withServer({}, async (server) => {
      for (const [origin, allowed] of [
        ['http://localhost:5173', true],
        ['http://127.0.0.1:3000', true],
        ['https://example.com', false],
      ] as const) {
        const answer = await server.call(path, { headers: { origin } })
        expect(answer.headers.get('access-control-allow-origin')).toBe(allowed ? origin : null)
      }
    })
  })
})

test('every answer says that it is nothing to sniff, frame or refer from, long ones and refusals too', async () => {
  await withServer({}, async (server) => {
    for (let number = 0; number < 3; number += 1) {
      await server.post(path, { role: 'user', content: 'é'.repeat(10_000) })
    }
    const long = await server.call(path)
    const body: unknown = await long.json()
    expect(body).toMatchObject({ session_id: 'web', messages: [{}, {}, { content: 'é'.repeat(10_000) }] })
    for (const answer of [long, await server.call('/nowhere'), await server.call('/health/live')]) {
      expect(answer.headers.get('content-type')).toContain('application/json')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('x-frame-options')).toBe('DENY')
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(answer.headers.get('x-request-id')).toMatch(/^[\w.:-]{8,128}$/)
    }
  })
})
