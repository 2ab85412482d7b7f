import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { generateKeyPair, SignJWT } from 'jose'
import { Account } from '../../src/contract/accounts.ts'
import { TEST_SECRET } from '../support/accounts.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { startIssuer, type TestIssuer } from '../support/issuer.ts'
import { refusalOf } from '../support/people.ts'
import { signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

const INVALID = { detail: 'The token is not valid, has expired, or was revoked.', reason: 'token_invalid' }
const KEY = 'the-key-of-a-trusted-back-end-that-is-long'

const bytes = (text: string) => new TextEncoder().encode(text)

for (const { kind, open } of testDatabases()) {
  describe(`tokens of the product’s own login on ${kind}`, () => {
    let database: OpenedDatabase
    let issuer: TestIssuer
    let server: TestServer
    beforeAll(async () => {
      database = await open()
      issuer = await startIssuer()
      server = await startServer({ database, env: { ...issuer.env, SERVICE_API_KEY: KEY, JWT_SECRET: TEST_SECRET } })
    })
    afterAll(async () => {
      await server.close()
      await issuer.close()
      await database.close()
    })

    const me = (token: string) => server.call('/api/auth/me', { headers: { authorization: `Bearer ${token}` } })
    const answerOf = async (token: string) => {
      const answer = await me(token)
      return [answer.status, await answer.json()]
    }
    const accountOf = async (token: string) => Account.parse(await (await me(token)).json())

    test('make an account on first sight, one for however many come at once', async () => {
      const token = await issuer.sign({
        sub: 'first',
        email: 'first@corp.example',
        email_verified: true,
        preferred_username: 'First Person',
        name: 'F. P.',
      })
      const accounts = await Promise.all(Array.from({ length: 10 }, () => accountOf(token)))
      expect(new Set(accounts.map(({ id }) => id)).size).toBe(1)
      expect(accounts[0]).toMatchObject({
        username: 'FirstPerson',
        email: 'first@corp.example',
        full_name: 'F. P.',
        role: 'user',
      })
      const again = await accountOf(
        await issuer.sign({ sub: 'first', email: 'other@corp.example', email_verified: true }),
      )
      expect(again).toEqual(accounts[0] ?? again)
    })

    test('never lead into an account that is here already', async () => {
      const victim = await signUp(server, 'victim')
      const token = await issuer.sign({
        sub: 'attacker',
        email: victim.user.email.toUpperCase(),
        email_verified: true,
        preferred_username: victim.user.username.toUpperCase(),
      })
      const made = await accountOf(token)
      expect(made.id).not.toBe(victim.user.id)
      expect(made.email).toEndWith('@external.invalid')
      expect(made.username.toLowerCase()).toStartWith(`${victim.user.username}-`)
      expect((await accountOf(victim.access_token)).email).toBe(victim.user.email)
    })

    test.each([
      [{ email: 'x@corp.example' }],
      [{ email: 'x@corp.example', email_verified: false }],
      [{ email: 'x@corp.example', email_verified: 'true' }],
      [{ email: 'not an email', email_verified: true, preferred_username: '\u202e<>\0@', name: '\0\ud800' }],
      [{ preferred_username: 5, email: {}, name: [] }],
    ])('with %p get a name and no email of theirs', async (claims) => {
      const { email, username } = await accountOf(await issuer.sign({ sub: JSON.stringify(claims), ...claims }))
      expect(email).toEndWith('@external.invalid')
      expect(username).toStartWith('user-')
    })

    test('cannot be signed into with a password, and end with their account', async () => {
      const token = await issuer.sign({ sub: 'leaver', preferred_username: 'leaver' })
      const { id } = await accountOf(token)
      const login = await server.post('/api/auth/login', { username: 'leaver', password: '' })
      expect(login.status).toBe(422)
      expect((await server.post('/api/auth/login', { username: 'leaver', password: 'null' })).status).toBe(401)
      await server.call(`/api/admin/accounts/${id}`, {
        method: 'PATCH',
        headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
        body: '{"is_active":false}',
      })
      expect(await answerOf(token)).toEqual([401, INVALID])
    })

    test('are not signed out here, where they would be as good afterwards', async () => {
      const token = await issuer.sign({ sub: 'stays' })
      for (const path of ['/api/auth/logout', '/api/auth/logout-all']) {
        const headers = { authorization: `Bearer ${token}` }
        expect(await refusalOf(await server.call(path, { method: 'POST', headers }))).toEqual({
          status: 403,
          reason: 'forbidden',
        })
      }
    })

    const bad: [string, () => Promise<string>][] = [
      ['another issuer', () => issuer.sign({ sub: 'x' }, { issuer: 'http://elsewhere' })],
      ['another audience', () => issuer.sign({ sub: 'x' }, { audience: 'mail' })],
      ['an end in the past', () => issuer.sign({ sub: 'x', exp: Math.floor(Date.now() / 1000) - 60 })],
      ['no subject', () => issuer.sign({})],
      ['an empty subject', () => issuer.sign({ sub: '' })],
      ['a subject with NUL', () => issuer.sign({ sub: 'a\0b' })],
      ['a subject of a megabyte', () => issuer.sign({ sub: 'a'.repeat(5000) })],
      [
        'a key of somebody else',
        async () => issuer.sign({ sub: 'x' }, { key: (await generateKeyPair('RS256')).privateKey }),
      ],
      [
        'a key that is not published',
        async () => issuer.sign({ sub: 'x' }, { kid: 'two', key: (await generateKeyPair('RS256')).privateKey }),
      ],
      [
        'an algorithm that is not taken',
        async () => issuer.sign({ sub: 'x' }, { alg: 'PS256', key: (await generateKeyPair('PS256')).privateKey }),
      ],
      [
        'a secret as their key',
        () =>
          new SignJWT({ sub: 'x' })
            .setProtectedHeader({ alg: 'HS256', kid: 'one' })
            .setIssuer(issuer.url)
            .setAudience('chat')
            .setExpirationTime('5m')
            .sign(bytes(JSON.stringify({ kty: 'RSA' }))),
      ],
    ]
    test.each(bad)('with %s are refused', async (_, forge) => {
      expect(await answerOf(await forge())).toEqual([401, INVALID])
    })

    test('read the keys seldom', () => {
      expect(issuer.reads).toBeLessThanOrEqual(2)
    })

    test.each(['ES256', 'EdDSA'])('may be signed with %s', async (alg) => {
      const own = await startIssuer(alg)
      const other = await startServer({ database, env: own.env })
      const token = await own.sign({ sub: 'one' })
      const answer = await other.call('/api/auth/me', { headers: { authorization: `Bearer ${token}` } })
      expect(answer.status).toBe(200)
      await other.close()
      await own.close()
    })

    test('are a 503 while the keys cannot be had, and our own still work', async () => {
      const own = await startIssuer()
      const other = await startServer({ database, env: { ...own.env, JWT_SECRET: TEST_SECRET } })
      const ask = (token: string) => other.call('/api/auth/me', { headers: { authorization: `Bearer ${token}` } })
      const token = await own.sign({ sub: 'one' })
      const answers = [
        new Response('down', { status: 500 }),
        new Response('<html>'),
        Response.json({ keys: 'none' }),
        Response.redirect('http://127.0.0.1:1/'),
      ]
      for (const away of answers) {
        own.away = away
        // Each by a server of its own: one that failed is not asked again at once.
        const fresh = await startServer({ database, env: own.env })
        const answer = await fresh.call('/api/auth/me', { headers: { authorization: `Bearer ${token}` } })
        expect([answer.status, (await answer.json()).reason]).toEqual([503, 'issuer_unavailable'])
        expect(answer.headers.get('retry-after')).toBe('1')
        await fresh.close()
      }
      const reads = own.reads
      expect((await ask(token)).status).toBe(503)
      expect((await ask(token)).status).toBe(503)
      expect(own.reads).toBe(reads + 1)
      expect((await ask((await signUp(server)).access_token)).status).toBe(200)
      await other.close()
      await own.close()
    })
  })
}
