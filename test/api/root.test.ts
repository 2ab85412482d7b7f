import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { startServer, type TestServer } from '../support/app.ts'

setDefaultTimeout(60_000)

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { APP_NAME: 'Shop', PUBLIC_URL: 'https://example.com/chat/' } })
})
afterAll(() => server.close())

test('the address of the server says that it is there', async () => {
  for (const accept of ['*/*', 'application/json']) {
    const answer = await server.call('/', { headers: { accept } })
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok', service: 'Shop' }])
    expect(answer.headers.get('vary')).toBe('Origin, Accept')
  }
})

test('and sends a browser to a page, under the path that a proxy serves it by', async () => {
  const answer = await server.call('/', { headers: { accept: BROWSER }, redirect: 'manual' })
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/chat/docs'])
  expect((await server.call('/docs')).status).toBe(200)
})
