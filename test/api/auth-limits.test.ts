import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { PASSWORD, signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

const TOO_MANY = { detail: 'Too many requests. Please try again later.', reason: 'too_many_requests' }

for (const { kind, open } of testDatabases()) {
  describe(`attempts on ${kind}`, () => {
    let database: OpenedDatabase
    beforeAll(async () => {
      database = await open()
    })
    afterAll(() => database.close())

    async function withServer(env: Record<string, string>, work: (server: TestServer) => Promise<void>): Promise<void> {
      const server = await startServer({ database, env })
      await work(server).finally(() => server.close())
    }
    const signIn = (server: TestServer, username: string, password = 'Wrong-Horse-9', headers = {}) =>
      server.call('/api/auth/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ username, password }),
      })
    const statuses = async (count: number, call: (index: number) => Promise<Response>) => {
      const seen: number[] = []
      for (let index = 0; index < count; index += 1) seen.push((await call(index)).status)
      return seen
    }

    test('at one password are bounded, whatever address they come from and however the name is written', () =>
      withServer({ LIMIT_PASSWORD_TRIES: '3', TRUST_PROXY: 'true' }, async (server) => {
        const { user } = await signUp(server)
        const names = [user.username, user.username.toUpperCase(), ` ${user.username}`, user.username]
        const from = (index: number) => ({ 'x-forwarded-for': `10.0.0.${index}` })
        expect(await statuses(4, (index) => signIn(server, names[index] ?? '', undefined, from(index)))).toEqual([
          401, 401, 401, 429,
        ])
        const right = await signIn(server, user.username, PASSWORD)
        expect([right.status, await right.json()]).toEqual([429, TOO_MANY])
        expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(800)
        expect((await signIn(server, 'somebody-else')).status).toBe(401)
      }))

    test('start from none again after the right password', () =>
      withServer({ LIMIT_PASSWORD_TRIES: '3' }, async (server) => {
        const { user } = await signUp(server)
        for (const _ of [1, 2, 3]) {
          expect(await statuses(2, () => signIn(server, user.username))).toEqual([401, 401])
          expect((await signIn(server, user.username, PASSWORD)).status).toBe(200)
        }
      }))

    test('to find the password out with a stolen token are bounded', () =>
      withServer({ LIMIT_PASSWORD_TRIES: '2' }, async (server) => {
        const person = await signUp(server)
        const guess = { current_password: 'Wrong-Horse-9', new_password: PASSWORD }
        expect((await person.send('/api/auth/password', guess)).status).toBe(403)
        expect((await person.send('/api/auth/me', { password: 'Wrong-Horse-9' }, 'DELETE')).status).toBe(403)
        expect((await person.send('/api/auth/password', guess)).status).toBe(429)
      }))

    test('from one address are bounded over all names, both APIs and tRPC', () =>
      withServer({ LIMIT_AUTH_PER_MINUTE: '4' }, async (server) => {
        expect((await signIn(server, 'one')).status).toBe(401)
        const form = new URLSearchParams({ username: 'two', password: 'x' })
        expect((await server.call('/api/v1/auth/login', { method: 'POST', body: form })).status).toBe(401)
        expect((await server.post('/api/auth/refresh', { refresh_token: 'x' })).status).toBe(401)
        expect((await server.post('/trpc/accounts.login', { username: 'three', password: 'x' })).status).toBe(401)
        expect((await signIn(server, 'four')).status).toBe(429)
        expect((await server.post('/trpc/accounts.login', { username: 'five', password: 'x' })).status).toBe(429)
        expect((await server.post('/api/auth/refresh', { refresh_token: 'x' })).status).toBe(429)
      }))

    test('to register from one address are bounded', () =>
      withServer({ LIMIT_REGISTER_PER_HOUR: '2' }, async (server) => {
        const register = () => {
          const username = `new-${crypto.randomUUID()}`
          return server.post('/api/auth/register', { username, email: `${username}@example.com`, password: PASSWORD })
        }
        expect(await statuses(3, register)).toEqual([201, 201, 429])
      }))

    test('are counted by the address that the connection has, unless a proxy is trusted', () =>
      withServer({ LIMIT_AUTH_PER_MINUTE: '2' }, async (server) => {
        const lying = (index: number) => ({ 'x-forwarded-for': `10.0.0.${index}` })
        expect(await statuses(3, (index) => signIn(server, `name-${index}`, 'x', lying(index)))).toEqual([
          401, 401, 429,
        ])
      }))

    test('are counted by what the trusted proxy put last, and a network of IPv6 as one', () =>
      withServer({ LIMIT_AUTH_PER_MINUTE: '2', TRUST_PROXY: 'true' }, async (server) => {
        const from = (address: string) => signIn(server, crypto.randomUUID(), 'x', { 'x-forwarded-for': address })
        const lying = (index: number) => from(`6.6.6.${index}, 10.0.0.1`)
        expect(await statuses(3, lying)).toEqual([401, 401, 429])
        expect((await from('10.0.0.2')).status).toBe(401)
        expect((await from('::ffff:10.0.0.2')).status).toBe(401)
        expect((await from('10.0.0.2')).status).toBe(429)
        const inOneNetwork = ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::']
        expect(await statuses(3, (index) => from(inOneNetwork[index] ?? ''))).toEqual([401, 401, 429])
        expect((await from('2001:db8:1:3::1')).status).toBe(401)
      }))
  })
}
