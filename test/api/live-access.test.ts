import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { TEST_SECRET } from '../support/accounts.ts'
import { testDatabases } from '../support/database.ts'
import { TestStream } from '../support/event-source.ts'
import { LiveClient } from '../support/live.ts'
import { openPeople, type People } from '../support/people.ts'
import { signUp } from '../support/person.ts'
import { TestSocket } from '../support/socket.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const SIGNED_OUT = { code: 4401, reason: 'The token has expired or was revoked' }

for (const { kind, open } of testDatabases()) {
  describe(`who may watch on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, {
        env: { PUBLIC_APIS: 'support', LIMIT_SOCKETS_PER_ACCOUNT: '4', LIMIT_FRAMES_PER_SECOND: '10' },
      })
    })
    afterAll(() => people.close())

    const connect = (headers: { authorization: string }) => LiveClient.open(people.server.ws, { headers })
    const headersOf = (token: string) => ({ authorization: `Bearer ${token}` })

    test('signing out closes all that was opened with that login, and nothing else', async () => {
      const person = await signUp(people.server)
      const again = await people.server.post('/api/auth/login', {
        username: person.user.username,
        password: person.password,
      })
      const other = (await again.json()) as { access_token: string }
      const [here, there] = [await connect(person.headers), await connect(headersOf(other.access_token))]
      const session = new TestSocket(`${people.server.ws}/v1/chat/sessions/mine/ws`, person.headers)
      await session.next()
      await person.call('/api/auth/logout', { method: 'POST' })
      expect(await here.next('bye')).toEqual({ type: 'bye', ...SIGNED_OUT, retry: false })
      expect(await here.socket.closed).toEqual(SIGNED_OUT)
      expect(await session.closed).toEqual(SIGNED_OUT)
      expect(await there.ask({ type: 'ping' })).toMatchObject({ type: 'ack' })
      await there.close()
    })

    test('so do deactivation and another role', async () => {
      const [leaving, promoted] = [await signUp(people.server), await signUp(people.server)]
      const clients = [await connect(leaving.headers), await connect(promoted.headers)]
      await leaving.send('/api/auth/me', { password: leaving.password }, 'DELETE')
      await people.server.accounts.amend({ kind: 'service' }, promoted.user.id, { role: 'agent' })
      for (const client of clients) expect(await client.socket.closed).toEqual(SIGNED_OUT)
    })

    test('a token that is revoked while it is looked at opens nothing that lasts', async () => {
      const person = await signUp(people.server)
      const { authenticator, holders } = people.server.accounts
      const identity = await authenticator.identify({ token: person.access_token, apiKey: null, onBehalfOf: null })
      await person.call('/api/auth/logout', { method: 'POST' })
      const ended = Promise.withResolvers<void>()
      holders.hold(identity, { expired: ended.resolve })
      await ended.promise
      // Sooner than all are looked at again, which is every 30 seconds.
    }, 15_000)

    test('a stream ends with its token, and is refused when it comes back', async () => {
      const person = await signUp(people.server)
      const chat = (await (await person.send('/api/chats', { title: 'Mine' })).json()) as { id: string }
      const stream = new TestStream(`${people.server.url}/api/chats/${chat.id}/events`, person.headers)
      await stream.next()
      await person.call('/api/auth/logout', { method: 'POST' })
      await until(() => stream.failures.includes(401), 'the stream to be refused')
      stream.close()
    })

    test('a token that expires ends its socket; a new one in time keeps it', async () => {
      const person = await signUp(people.server)
      const seconds = 3
      const header = { alg: 'HS256', ...decodeProtectedHeader(person.access_token) }
      const claims = { ...decodeJwt(person.access_token), exp: Math.floor(Date.now() / 1000) + seconds }
      const short = await new SignJWT(claims).setProtectedHeader(header).sign(new TextEncoder().encode(TEST_SECRET))
      const [kept, ended] = [await connect(headersOf(short)), await connect(headersOf(short))]
      expect(await kept.ask({ type: 'authenticate', token: person.access_token })).toMatchObject({
        type: 'authenticated',
        user_id: person.user.id,
      })
      expect(await ended.socket.closed).toEqual(SIGNED_OUT)
      expect(await kept.ask({ type: 'ping' })).toMatchObject({ type: 'ack' })
      await kept.close()
    })

    test('an account has so many sockets and streams at once, and no more', async () => {
      const person = await signUp(people.server)
      const clients = await Promise.all([1, 2, 3, 4].map(() => connect(person.headers)))
      const refused = await person.call('/api/live', { headers: { connection: 'upgrade', upgrade: 'websocket' } })
      expect(refused.status).toBe(429)
      const late = new LiveClient(people.server.ws)
      await late.socket.opened
      expect(await late.ask({ type: 'authenticate', token: person.access_token })).toMatchObject({
        type: 'refused',
        reason: 'too_many_sockets',
      })
      await clients[0]?.close()
      await until(async () => {
        const answer = await late.ask({ type: 'authenticate', token: person.access_token })
        return answer.type === 'authenticated'
      }, 'the place of the one that left')
      await Promise.all([...clients.slice(1), late].map((client) => client.close()))
    })

    test('frames past the account’s rate are refused, and who does not listen is closed', async () => {
      const person = await signUp(people.server)
      const client = await connect(person.headers)
      const answers: string[] = []
      for (let number = 0; number < 300; number += 1) answers.push((await client.ask({ type: 'ping' })).type)
      expect(new Set(answers)).toEqual(new Set(['ack', 'refused']))
      expect(answers.slice(0, 200)).not.toContain('refused')
      for (let number = 0; number < 900; number += 1) client.send({ type: 'ping' })
      expect((await client.socket.closed).code).toBe(4429)
    })
  })
}
