import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { JwtAccessTokens } from '../../src/adapters/tokens/access.ts'
import { JwtVisitorTokens } from '../../src/adapters/tokens/visitor.ts'
import { type NewVisitor, VisitorToken } from '../../src/contract/visitors.ts'
import { TEST_SECRET } from '../support/accounts.ts'
import { testDatabases } from '../support/database.ts'
import { upload } from '../support/files.ts'
import { LiveClient } from '../support/live.ts'
import { openPeople, type People } from '../support/people.ts'
import { signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

const KEY = 'the-key-of-a-trusted-back-end-that-is-long'
const OLD_SECRET = 'a-key-of-before-that-signs-nothing-any-more'
const SIGNED_OUT = { code: 4401, reason: 'The token has expired or was revoked' }
const settings = { secret: TEST_SECRET, previous: [], issuer: 'parley', audience: 'parley' }
const inAnHour = () => (Math.floor(Date.now() / 1000) + 3600) * 1000

const bytes = (text: string) => new TextEncoder().encode(text)
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const headersOf = (token: string) => ({ authorization: `Bearer ${token}` })

for (const { kind, open } of testDatabases()) {
  describe(`visitors on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, {
        env: {
          PUBLIC_APIS: 'support',
          SERVICE_API_KEY: KEY,
          JWT_SECRET: TEST_SECRET,
          JWT_SECRET_PREVIOUS: OLD_SECRET,
        },
      })
    })
    afterAll(() => people.close())

    const asBackEnd = (path: string, init: RequestInit = {}) =>
      people.server.call(`/api/v1/visitors${path}`, {
        ...init,
        headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
      })
    const admit = (visitor: object) => asBackEnd('', { method: 'POST', body: JSON.stringify(visitor) })
    const admitted = async (visitor: NewVisitor) => VisitorToken.parse(await (await admit(visitor)).json())
    const dismiss = (userId: string) => asBackEnd(`/${encodeURIComponent(userId)}`, { method: 'DELETE' })
    /** What a door that is open to visitors says to a token, for a chat that is not there. */
    const reasonFor = async (token: string) => {
      const path = `/api/chats/${Bun.randomUUIDv7()}/events`
      return ((await (await people.server.call(path, { headers: headersOf(token) })).json()) as { reason: string })
        .reason
    }
    const connect = (token: string) => LiveClient.open(people.server.ws, { headers: headersOf(token) })

    test('get a token that says who they are, and until when', async () => {
      const before = Date.now()
      const asked = { user_id: 'customer-42', name: 'Grace', metadata: { plan: 'pro' }, expires_in: 600 }
      const answer = await admit(asked)
      expect(answer.status).toBe(201)
      const { token, expires_at, ...said } = VisitorToken.parse(await answer.json())
      expect(said).toEqual({ token_type: 'bearer', user_id: 'customer-42', name: 'Grace', metadata: { plan: 'pro' } })
      const left = Date.parse(expires_at) - before
      expect(left).toBeGreaterThan(590_000)
      expect(left).toBeLessThanOrEqual(660_000)
      const client = new LiveClient(people.server.ws, headersOf(token))
      const welcome = await client.next('authenticated')
      expect(welcome).toEqual({ type: 'authenticated', id: null, user_id: 'customer-42', expires_at })
      await client.close()
    })

    test.each([
      ['nobody', {}],
      ['a blank', { user_id: '' }],
      ['control characters', { user_id: 'a\u0000b' }],
      ['half a character', { user_id: '\ud800' }],
      ['a name of several lines', { user_id: 'a', name: 'a\nb' }],
      ['more metadata than a token carries', { user_id: 'a', metadata: { text: 'x'.repeat(2048) } }],
      ['an end too soon', { user_id: 'a', expires_in: 9 }],
      ['an end too late', { user_id: 'a', expires_in: 86_401 }],
      ['no end', { user_id: 'a', expires_in: null }],
    ])('are refused with %s', async (_, asked) => {
      const answer = await admit(asked)
      expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([422, 'invalid'])
    })

    test('of the longest words have tokens that are taken', async () => {
      const longest = { user_id: '本'.repeat(255), name: '"'.repeat(200), metadata: { text: '本'.repeat(670) } }
      const { token } = await admitted(longest)
      expect(token.length).toBeLessThanOrEqual(8192)
      expect(await reasonFor(token)).toBe('chat_missing')
      const client = await connect(token)
      await client.close()
    })

    test('may not watch, post to or read a chat of others', async () => {
      const owner = await signUp(people.server)
      const { id } = (await (await owner.send('/api/chats', { title: 'Mine' })).json()) as { id: string }
      // Not even one who is called as its owner is.
      for (const user_id of ['customer-42', owner.user.id]) {
        const { token } = await admitted({ user_id })
        const client = await connect(token)
        for (const frame of [{ type: 'watch' }, { type: 'post', content: 'hi' }, { type: 'read', message_id: id }]) {
          expect(await client.ask({ ...frame, chat_id: id })).toMatchObject({ type: 'refused', reason: 'chat_missing' })
        }
        // Nor does a socket go from one to the other.
        expect(await client.ask({ type: 'authenticate', token: owner.access_token })).toMatchObject({
          reason: 'forbidden',
        })
        await client.close()
      }
    })

    const forgeries: [string, (token: string) => Promise<string> | string][] = [
      ['no signature', (token) => `${token.split('.').slice(0, 2).join('.')}.`],
      [
        'the algorithm none',
        (token) => `${part({ ...decodeProtectedHeader(token), alg: 'none' })}.${part(decodeJwt(token))}.`,
      ],
      ['the key of access tokens, under the name of its own', (token) => signedLike(token, {})],
      [
        'a changed payload',
        (token) => {
          const [header, , rest] = token.split('.')
          return `${header}.${part({ ...decodeJwt(token), sub: 'customer-43' })}.${rest}`
        },
      ],
      [
        'another issuer',
        () => new JwtVisitorTokens({ ...settings, issuer: 'somebody' }).sign({ visitor, expiresAt: inAnHour() }),
      ],
      [
        'another audience',
        () => new JwtVisitorTokens({ ...settings, audience: 'somebody' }).sign({ visitor, expiresAt: inAnHour() }),
      ],
      ['an end in the past', () => new JwtVisitorTokens(settings).sign({ visitor, expiresAt: Date.now() - 2000 })],
      [
        'a secret that nobody knows',
        () =>
          new JwtVisitorTokens({ ...settings, secret: OLD_SECRET.toUpperCase() }).sign({
            visitor,
            expiresAt: inAnHour(),
          }),
      ],
    ]
    const visitor = { kind: 'visitor', userId: 'customer-42', name: null, metadata: {}, generation: 1000 } as const
    const signedLike = (token: string, claims: object, secret = TEST_SECRET) =>
      new SignJWT({ ...decodeJwt(token), ...claims })
        .setProtectedHeader({ alg: 'HS256', ...decodeProtectedHeader(token) })
        .sign(bytes(secret))

    test.each(forgeries)('with a token of %s are refused', async (_, forge) => {
      const { token } = await admitted({ user_id: 'customer-42' })
      expect(await reasonFor(await forge(token))).toBe('token_invalid')
      expect(await reasonFor(token)).toBe('chat_missing')
    })

    test('have tokens that are good for nothing else, and no other token is one of theirs', async () => {
      const owner = await signUp(people.server)
      const { token } = await admitted({ user_id: owner.user.id })
      const accessKid = { ...decodeProtectedHeader(owner.access_token), alg: 'HS256' }
      // Signed as access tokens are: what a visitor's token says is not what one of those says.
      const asAccess = await new SignJWT(decodeJwt(token)).setProtectedHeader(accessKid).sign(bytes(TEST_SECRET))
      expect(await reasonFor(asAccess)).toBe('token_invalid')
      // And the other way round.
      const asVisitor = await signedLike(token, decodeJwt(owner.access_token))
      expect(await reasonFor(asVisitor)).toBe('token_invalid')
      const me = await people.server.call('/api/auth/me', { headers: headersOf(token) })
      expect([me.status, ((await me.json()) as { reason: string }).reason]).toEqual([403, 'not_for_visitors'])
      expect((await people.server.post('/api/auth/refresh', { refresh_token: token })).status).toBe(422)
      const file = await upload(owner, 'secret.txt', 'secret')
      const link = `/api/files/${file.id}/download?expires=${Math.floor(Date.now() / 1000) + 60}&signature=${token.split('.')[2]}`
      expect((await people.server.call(link)).status).toBe(401)
      expect(await new JwtAccessTokens({ ...settings, lifetimeSeconds: 60 }).verify(token)).toBeUndefined()
    })

    test('of the secret before are still let in', async () => {
      const old = await new JwtVisitorTokens({ ...settings, secret: OLD_SECRET }).sign({
        visitor,
        expiresAt: inAnHour(),
      })
      expect(await reasonFor(old)).toBe('chat_missing')
    })

    test('are dismissed: their tokens end at once, their sockets close, and new tokens are good', async () => {
      // A name may have all that parts what is told of it.
      for (const user_id of ['customer-7', 'shop:customer 7/é']) {
        const [gone, other] = [await admitted({ user_id }), await admitted({ user_id: `${user_id}1` })]
        const [closed, open] = [await connect(gone.token), await connect(other.token)]
        expect(await reasonFor(gone.token)).toBe('chat_missing')
        expect((await dismiss(user_id)).status).toBe(204)
        expect(await reasonFor(gone.token)).toBe('token_invalid')
        expect(await closed.socket.closed).toEqual(SIGNED_OUT)
        expect(await open.ask({ type: 'ping' })).toMatchObject({ type: 'ack' })
        await open.close()
        const next = await admitted({ user_id })
        expect(await reasonFor(next.token)).toBe('chat_missing')
        expect((await dismiss(user_id)).status).toBe(204)
        expect(await reasonFor(next.token)).toBe('token_invalid')
      }
    })

    test('have sockets that end with their token', async () => {
      const token = await new JwtVisitorTokens(settings).sign({ visitor, expiresAt: Date.now() + 3000 })
      const client = await connect(token)
      expect(await client.socket.closed).toEqual(SIGNED_OUT)
    })

    test('that were dismissed a while ago are forgotten with the next one', async () => {
      const { sql } = people.database
      await dismiss('customer-old')
      await sql`UPDATE visitor_revocations SET revoked_at = now() - interval '2 days' WHERE user_id = 'customer-old'`
      await dismiss('customer-new')
      const kept = await sql`SELECT user_id FROM visitor_revocations WHERE user_id IN ('customer-old', 'customer-new')`
      expect(kept.map(({ user_id }) => user_id)).toEqual(['customer-new'])
    })
  })
}
