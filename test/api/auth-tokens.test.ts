import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { JwtAccessTokens } from '../../src/adapters/tokens/access.ts'
import { Account, AccountPage } from '../../src/contract/accounts.ts'
import { TEST_SECRET } from '../support/accounts.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { type Person, signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

const INVALID = { detail: 'The token is not valid, has expired, or was revoked.', reason: 'token_invalid' }
const KEY = 'the-key-of-a-trusted-back-end-that-is-long'
const OLD_SECRET = 'a-key-of-before-that-signs-nothing-any-more'
const settings = { secret: TEST_SECRET, previous: [], issuer: 'parley', audience: 'parley', lifetimeSeconds: 60 }

const bytes = (text: string) => new TextEncoder().encode(text)
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

for (const { kind, open } of testDatabases()) {
  describe(`tokens on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    let ada: Person
    beforeAll(async () => {
      database = await open()
      server = await startServer({
        database,
        env: { SERVICE_API_KEY: KEY, JWT_SECRET: TEST_SECRET, JWT_SECRET_PREVIOUS: OLD_SECRET },
      })
      ada = await signUp(server, 'ada')
    })
    afterAll(async () => {
      await server.close()
      await database.close()
    })

    const me = (token: string) => server.call('/api/auth/me', { headers: { authorization: `Bearer ${token}` } })
    const answerOf = async (token: string) => {
      const answer = await me(token)
      return [answer.status, await answer.json()]
    }
    /** Ada's token with some of it changed, signed again with the right key unless another one is given. */
    const forged = (claims: Record<string, unknown>, header: Record<string, string> = {}, secret = TEST_SECRET) =>
      new SignJWT({ ...decodeJwt(ada.access_token), ...claims })
        .setProtectedHeader({ alg: 'HS256', ...decodeProtectedHeader(ada.access_token), ...header })
        .sign(bytes(secret))

    test('say who, for whom, until when and by which key, and nothing secret', () => {
      expect(decodeProtectedHeader(ada.access_token)).toEqual({ alg: 'HS256', typ: 'JWT', kid: expect.any(String) })
      const { iat = 0, exp = 0, ...claims } = decodeJwt(ada.access_token)
      expect(claims).toEqual({
        iss: 'parley',
        aud: 'parley',
        sub: ada.user.id,
        sid: expect.any(String),
        role: 'user',
        typ: 'access',
      })
      expect(exp - iat).toBe(3600)
    })

    const forgeries: [string, () => Promise<string> | string][] = [
      ['no signature', () => ada.access_token.split('.').slice(0, 2).join('.')],
      ['an empty signature', () => `${ada.access_token.split('.').slice(0, 2).join('.')}.`],
      [
        'the algorithm none',
        () =>
          `${part({ ...decodeProtectedHeader(ada.access_token), alg: 'none' })}.${part(decodeJwt(ada.access_token))}.`,
      ],
      ['the algorithm none without a key', () => `${part({ alg: 'none' })}.${part(decodeJwt(ada.access_token))}.`],
      ['another algorithm of the same key', () => forged({}, { alg: 'HS512' })],
      ['another key under the right name', () => forged({}, {}, 'another-secret-that-is-long-enough-as-well')],
      ['a key that nobody knows', () => forged({}, { kid: 'unknown' })],
      [
        'no name of a key',
        async () =>
          new SignJWT(decodeJwt(ada.access_token)).setProtectedHeader({ alg: 'HS256' }).sign(bytes(TEST_SECRET)),
      ],
      [
        'a changed payload',
        () => {
          const [header, , rest] = ada.access_token.split('.')
          return `${header}.${part({ ...decodeJwt(ada.access_token), role: 'admin' })}.${rest}`
        },
      ],
      ['another issuer', () => forged({ iss: 'somebody' })],
      ['another audience', () => forged({ aud: 'somebody' })],
      ['no audience', () => forged({ aud: undefined })],
      ['an end in the past', () => forged({ exp: Math.floor(Date.now() / 1000) - 1 })],
      ['no end', () => forged({ exp: undefined })],
      ['another type', () => forged({ typ: 'refresh' })],
      ['a beginning in the future', () => forged({ nbf: Math.floor(Date.now() / 1000) + 600 })],
      ['no login', () => forged({ sid: undefined })],
      ['a login that is not there', () => forged({ sid: Bun.randomUUIDv7() })],
      ['the account of another', () => forged({ sub: Bun.randomUUIDv7() })],
      ['an account that is no id', () => forged({ sub: "' OR 1=1" })],
      ['a refresh token', () => ada.refresh_token],
      ['the secret itself', () => TEST_SECRET],
      ['parts that are none', () => 'head.body.signature'],
    ]
    test.each(forgeries)('with %s are refused', async (_, forge) => {
      expect(await answerOf(await forge())).toEqual([401, INVALID])
      expect((await me(ada.access_token)).status).toBe(200)
    })

    test('an access token refreshes nothing', async () => {
      const answer = await server.post('/api/auth/refresh', { refresh_token: ada.access_token })
      expect([422, 401]).toContain(answer.status)
    })

    test('a role that the token claims is not believed', async () => {
      const token = await forged({ role: 'admin' })
      const answer = await server.call('/api/admin/accounts', { headers: { authorization: `Bearer ${token}` } })
      expect([answer.status, (await answer.json()).reason]).toEqual([403, 'forbidden'])
    })

    test('of the secret before are still taken, and new ones are signed with the new one', async () => {
      const old = new JwtAccessTokens({ ...settings, secret: OLD_SECRET })
      const { sid } = decodeJwt(ada.access_token)
      const token = await old.sign({ accountId: ada.user.id, loginId: String(sid), role: 'user' })
      expect((await me(token)).status).toBe(200)
      const stranger = new JwtAccessTokens({ ...settings, secret: 'a-key-of-before-that-was-thrown-away-since' })
      const thrownAway = await stranger.sign({ accountId: ada.user.id, loginId: String(sid), role: 'user' })
      expect(await answerOf(thrownAway)).toEqual([401, INVALID])
      const refreshed = await server.post('/api/auth/refresh', { refresh_token: ada.refresh_token })
      const { access_token } = await refreshed.json()
      expect(decodeProtectedHeader(access_token).kid).toBe(decodeProtectedHeader(ada.access_token).kid)
      expect(decodeProtectedHeader(access_token).kid).not.toBe(decodeProtectedHeader(token).kid)
    })

    test('the service key sees every account, and acts as one', async () => {
      const list = await server.call('/api/admin/accounts?limit=1000', { headers: { 'x-api-key': KEY } })
      expect(AccountPage.parse(await list.json()).items.map(({ id }) => id)).toContain(ada.user.id)
      const own = await server.call('/api/auth/me', { headers: { 'x-api-key': KEY, 'x-on-behalf-of': ada.user.id } })
      expect(Account.parse(await own.json()).id).toBe(ada.user.id)
      const as = await server.call('/api/admin/accounts', {
        headers: { 'x-api-key': KEY, 'x-on-behalf-of': ada.user.id },
      })
      expect(as.status).toBe(403)
      const wrong = await server.call('/api/admin/accounts', { headers: { 'x-api-key': `${KEY}.` } })
      expect([wrong.status, await wrong.json()]).toEqual([401, INVALID])
    })
  })
}
