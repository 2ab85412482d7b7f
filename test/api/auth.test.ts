import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Account, SignedIn, Tokens } from '../../src/contract/accounts.ts'
import { InvalidBody } from '../../src/contract/failures.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { PASSWORD, personOf, signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

const WRONG = { detail: 'Incorrect username or password', reason: 'credentials_wrong' }
const INVALID = { detail: 'The token is not valid, has expired, or was revoked.', reason: 'token_invalid' }

for (const { kind, open } of testDatabases()) {
  describe(`signing in on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    beforeAll(async () => {
      database = await open()
      server = await startServer({ database })
    })
    afterAll(async () => {
      await server.close()
      await database.close()
    })

    const form = (fields: Record<string, string>, init: RequestInit = {}) =>
      server.call('/api/v1/auth/login', { method: 'POST', body: new URLSearchParams(fields), ...init })
    const draft = (name: string) => ({ email: `${name}@example.com`, username: name, password: PASSWORD })

    describe('by the Branching API', () => {
      test('registers with 200 and shows the account', async () => {
        const answer = await server.post('/api/v1/auth/register', draft('brenda'))
        expect(answer.status).toBe(200)
        expect(await answer.json()).toEqual({
          id: expect.any(String),
          email: 'brenda@example.com',
          username: 'brenda',
          is_active: true,
          is_superuser: false,
        })
      })

      test('signs in by a form with the email or the username', async () => {
        await server.post('/api/v1/auth/register', draft('ben'))
        for (const username of ['ben', 'BEN@EXAMPLE.COM']) {
          const answer = await form({ username, password: PASSWORD, grant_type: 'password', scope: '' })
          expect(answer.status).toBe(200)
          const tokens = Tokens.strict().parse(await answer.json())
          expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600 })
          const me = await server.call('/api/auth/me', { headers: { authorization: `bearer ${tokens.access_token}` } })
          expect(Account.parse(await me.json()).username).toBe('ben')
        }
      })

      test('refuses what is taken, in its own words', async () => {
        await server.post('/api/v1/auth/register', draft('bea'))
        const again = await server.post('/api/v1/auth/register', { ...draft('bea2'), email: ' BEA@Example.com ' })
        expect([again.status, await again.json()]).toEqual([
          400,
          { detail: 'Email already registered', reason: 'email_taken' },
        ])
        const same = await server.post('/api/v1/auth/register', { ...draft('bea3'), username: 'Bea' })
        expect([same.status, await same.json()]).toEqual([
          400,
          { detail: 'Username already taken', reason: 'username_taken' },
        ])
      })

      test('refuses a wrong password and an unknown name with the same 401', async () => {
        await server.post('/api/v1/auth/register', draft('bill'))
        for (const username of ['bill', 'bill@example.com', 'nobody', 'nobody@example.com']) {
          const answer = await form({ username, password: 'Wrong-Horse-9' })
          expect([answer.status, await answer.json()]).toEqual([401, WRONG])
          expect(answer.headers.get('www-authenticate')).toBe('Bearer')
        }
      })

      test.each([
        'Sh0rt-x',
        'no-upper-case-9',
        'NO-LOWER-CASE-9',
        'No-Digit-Here',
        'NoSpecial99',
        `Aa1-${'é'.repeat(63)}`,
        'Nul-\0-Nul-9',
      ])('refuses the password %p with 422', async (password) => {
        const answer = await server.post('/api/v1/auth/register', { ...draft('weak'), password })
        expect(answer.status).toBe(422)
        expect(InvalidBody.parse(await answer.json()).detail[0]?.loc).toEqual(['body', 'password'])
      })

      test('takes a form alone, and one that fits', async () => {
        const json = await server.post('/api/v1/auth/login', { username: 'a', password: 'b' })
        expect([json.status, (await json.json()).reason]).toEqual([415, 'not_form'])
        const missing = await form({ username: 'ben' })
        expect(missing.status).toBe(422)
        expect(InvalidBody.parse(await missing.json()).detail[0]?.loc).toEqual(['body', 'password'])
        const huge = await form({ username: 'ben', password: 'a'.repeat(300_000) })
        expect([huge.status, (await huge.json()).reason]).toEqual([413, 'body_too_large'])
        const long = await form({ username: 'ben', password: 'a'.repeat(2000) })
        expect(long.status).toBe(422)
        expect((await form({ username: 'a\0b', password: 'x' })).status).toBe(422)
      })
    })

    describe('by the Chats API', () => {
      test('registers with 201, a token and the user', async () => {
        const answer = await server.post('/api/auth/register', {
          ...draft('carl'),
          password: 'plain-but-long',
          full_name: 'Carl C.',
        })
        expect(answer.status).toBe(201)
        const signedIn = SignedIn.strict().parse(await answer.json())
        expect(signedIn).toMatchObject({
          token_type: 'bearer',
          user: { username: 'carl', email: 'carl@example.com', full_name: 'Carl C.', is_active: true, is_admin: false },
        })
        const me = await personOf(server, signedIn).call('/api/auth/me')
        expect([me.status, await me.json()]).toEqual([200, signedIn.user])
      })

      test('signs in with JSON', async () => {
        await server.post('/api/auth/register', draft('cora'))
        const answer = await server.post('/api/auth/login', { username: 'cora@example.com', password: PASSWORD })
        expect([answer.status, SignedIn.parse(await answer.json()).user.username]).toEqual([200, 'cora'])
        for (const username of ['cora', 'nobody']) {
          const wrong = await server.post('/api/auth/login', { username, password: 'Wrong-Horse-9' })
          expect([wrong.status, await wrong.json()]).toEqual([401, WRONG])
        }
      })

      test('refuses what is taken, in its own words', async () => {
        await server.post('/api/auth/register', draft('cleo'))
        const email = await server.post('/api/auth/register', { ...draft('cleo2'), email: 'CLEO@example.com' })
        expect([email.status, await email.json()]).toEqual([
          400,
          { detail: 'Email already registered', reason: 'email_taken' },
        ])
        const name = await server.post('/api/auth/register', { ...draft('cleo3'), username: 'CLEO' })
        expect([name.status, await name.json()]).toEqual([
          400,
          { detail: 'Username already registered', reason: 'username_registered' },
        ])
      })

      test.each([
        ['a short password', { password: 'short' }],
        ['a username with an @', { username: 'a@b' }],
        ['a username with blanks', { username: 'a b' }],
        ['no email', { email: 'nobody' }],
        ['an email that is no text', { email: { $gt: '' } }],
        ['a name of two lines', { full_name: 'a\nb' }],
      ])('refuses %s with 422', async (_, change) => {
        expect((await server.post('/api/auth/register', { ...draft('cain'), ...change })).status).toBe(422)
      })
    })

    test('no token is a 401 that asks for one, a bad one is a 401 that says so', async () => {
      for (const headers of [
        {},
        { authorization: 'Basic YTpi' },
        { authorization: 'Bearer' },
        { authorization: 'Bearer a b' },
      ]) {
        const answer = await server.call('/api/auth/me', { headers })
        expect([answer.status, await answer.json()]).toEqual([
          401,
          { detail: 'Not authenticated', reason: 'unauthenticated' },
        ])
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      }
      const bad = await server.call('/api/auth/me', { headers: { authorization: 'Bearer nonsense' } })
      expect([bad.status, await bad.json()]).toEqual([401, INVALID])
      expect(bad.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    })

    test('a person refreshes, changes the password, signs out and leaves', async () => {
      const dora = await signUp(server, 'dora')
      const refreshed = await server.post('/api/auth/refresh', { refresh_token: dora.refresh_token })
      expect(refreshed.status).toBe(200)
      const tokens = Tokens.strict().parse(await refreshed.json())
      const now = personOf(server, { ...dora, ...tokens })
      const change = { current_password: PASSWORD, new_password: 'Battery-Staple-7' }
      const wrong = await now.send('/api/auth/password', { ...change, current_password: 'Wrong-Horse-9' })
      expect([wrong.status, (await wrong.json()).reason]).toEqual([403, 'password_wrong'])
      const changed = await now.send('/api/auth/password', change)
      expect([changed.status, await changed.json()]).toEqual([200, { status: 'success' }])
      expect((await now.call('/api/auth/logout', { method: 'POST' })).status).toBe(200)
      expect((await now.call('/api/auth/me')).status).toBe(401)
      const login = await server.post('/api/auth/login', { username: dora.user.email, password: 'Battery-Staple-7' })
      const back = personOf(server, SignedIn.parse(await login.json()))
      const left = await back.send('/api/auth/me', { password: 'Battery-Staple-7' }, 'DELETE')
      expect([left.status, await left.json()]).toEqual([200, { status: 'success' }])
      expect((await back.call('/api/auth/me')).status).toBe(401)
      const gone = await server.post('/api/auth/login', { username: dora.user.email, password: 'Battery-Staple-7' })
      expect([gone.status, await gone.json()]).toEqual([401, WRONG])
    })

    test('logout-all ends every device', async () => {
      const edna = await signUp(server, 'edna')
      const login = await server.post('/api/auth/login', { username: edna.user.username, password: PASSWORD })
      const phone = personOf(server, SignedIn.parse(await login.json()))
      expect((await phone.call('/api/auth/logout-all', { method: 'POST' })).status).toBe(200)
      for (const device of [edna, phone]) {
        const answer = await device.call('/api/auth/me')
        expect([answer.status, await answer.json()]).toEqual([401, INVALID])
      }
    })

    test('nothing of an account but what it may see leaves the server', async () => {
      const fred = await signUp(server, 'fred')
      for (const path of ['/api/auth/me', '/api/auth/me?fields=password_hash']) {
        const text = await (await fred.call(path)).text()
        expect(text).not.toMatch(/hash|argon|issuer|subject/)
      }
    })
  })
}
