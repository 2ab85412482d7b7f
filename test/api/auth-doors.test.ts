import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink, TRPCClientError } from '@trpc/client'
import { EventSource } from 'eventsource'
import pino from 'pino'
import type { Router } from '../../client/src/trpc.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { PASSWORD, type Person, signUp } from '../support/person.ts'
import { TestSocket } from '../support/socket.ts'

setDefaultTimeout(60_000)

const KEY = 'the-key-of-a-trusted-back-end-that-is-long'
const messages = '/v1/chat/sessions/talk/messages'
const socket = '/v1/chat/sessions/talk/ws'
const lines: string[] = []
const logger = pino({ level: 'trace' }, { write: (line) => lines.push(line) })

/** What a client caught of a tRPC error. */
async function reasonOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof TRPCClientError) return (error as TRPCClientError<Router>).data?.reason
    throw error
  }
}

for (const { kind, open } of testDatabases()) {
  describe(`an API that is not public, on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    let ada: Person
    let bob: Person
    beforeAll(async () => {
      database = await open()
      server = await startServer({ database, logger, env: { PUBLIC_APIS: 'desk', SERVICE_API_KEY: KEY } })
      ;[ada, bob] = [await signUp(server, 'ada'), await signUp(server, 'bob')]
      for (const person of [ada, bob]) await person.send(messages, { role: 'user', content: person.user.username })
    })
    afterAll(async () => {
      await server.close()
      await database.close()
    })

    const synced = (content: string) => ({
      type: 'session.sync',
      session: { session_id: 'talk', messages: [expect.objectContaining({ content })] },
    })
    test('keeps the sessions of each account apart', async () => {
      for (const person of [ada, bob]) {
        expect(await (await person.call(messages)).json()).toMatchObject({
          messages: [{ content: person.user.username }],
        })
        expect(await (await person.call('/v1/chat/sessions')).json()).toEqual([
          { session_id: 'talk', message_count: 1 },
        ])
      }
      const service = await server.call(messages, { headers: { 'x-api-key': KEY } })
      expect(await service.json()).toEqual({ session_id: 'talk', messages: [] })
      const as = await server.call(messages, { headers: { 'x-api-key': KEY, 'x-on-behalf-of': bob.user.id } })
      expect(await as.json()).toMatchObject({ messages: [{ content: bob.user.username }] })
    })

    test('takes a socket’s token as a header, as a subprotocol and in the query', async () => {
      const { access_token } = ada
      const ways = [
        new TestSocket(`${server.ws}${socket}`, ada.headers),
        new TestSocket(`${server.ws}${socket}`, { 'sec-websocket-protocol': `bearer, ${access_token}` }),
        new TestSocket(`${server.ws}${socket}?token=${access_token}`),
      ]
      for (const way of ways) {
        expect(await way.next()).toEqual(synced(ada.user.username))
        await way.close()
      }
      const browser = new WebSocket(`${server.ws}${socket}`, ['bearer', access_token])
      await new Promise((resolve) => browser.addEventListener('message', resolve, { once: true }))
      expect(browser.protocol).toBe('bearer')
      browser.close()
    })

    test('refuses a socket without a valid token before it opens', async () => {
      const refused = [
        server.call(socket),
        server.call(`${socket}?token=`),
        server.call(`${socket}?token=nonsense`),
        server.call(socket, { headers: { 'sec-websocket-protocol': ada.access_token } }),
        server.call(socket, { headers: { 'sec-websocket-protocol': 'bearer, nonsense' } }),
      ]
      expect((await Promise.all(refused)).map(({ status }) => status)).toEqual([401, 401, 401, 401, 401])
    })

    test('has accounts by tRPC, with the reason of a refusal', async () => {
      let token = ''
      const client = createTRPCClient<Router>({
        links: [
          httpBatchLink({
            url: `${server.url}/trpc`,
            headers: () => (token ? { authorization: `Bearer ${token}` } : {}),
          }),
        ],
      })
      expect(await reasonOf(client.accounts.me.query())).toBe('unauthenticated')
      const username = `carl-${kind}`
      const made = await client.accounts.register.mutate({
        username,
        email: `${username}@example.com`,
        password: PASSWORD,
      })
      expect(await reasonOf(client.accounts.login.mutate({ username, password: 'wrong' }))).toBe('credentials_wrong')
      expect(
        await reasonOf(
          client.accounts.register.mutate({ username: 'x', email: `${username}@EXAMPLE.com`, password: PASSWORD }),
        ),
      ).toBe('email_taken')
      token = made.access_token
      expect((await client.accounts.me.query()).id).toBe(made.user.id)
      expect(await client.sessions.list.query()).toEqual([])
      expect(await reasonOf(client.accounts.list.query())).toBe('forbidden')
      expect(await reasonOf(client.accounts.amend.mutate({ account_id: made.user.id, role: 'admin' }))).toBe(
        'forbidden',
      )
      const next = await client.accounts.refresh.mutate({ refresh_token: made.refresh_token })
      token = next.access_token
      await client.accounts.changePassword.mutate({ current_password: PASSWORD, new_password: 'Battery-Staple-7' })
      await client.accounts.logout.mutate()
      expect(await reasonOf(client.accounts.me.query())).toBe('token_invalid')
      expect(await reasonOf(client.accounts.refresh.mutate({ refresh_token: next.refresh_token }))).toBe(
        'token_invalid',
      )
    })

    test('takes a subscription’s token as a connection parameter', async () => {
      const client = createTRPCClient<Router>({
        links: [
          splitLink({
            condition: ({ type }) => type === 'subscription',
            true: httpSubscriptionLink({
              url: `${server.url}/trpc`,
              EventSource,
              connectionParams: { token: ada.access_token },
            }),
            false: httpBatchLink({ url: `${server.url}/trpc` }),
          }),
        ],
      })
      const first = Promise.withResolvers<unknown>()
      const { unsubscribe } = client.sessions.watch.subscribe(
        { session_id: 'talk' },
        { onData: ({ data }) => first.resolve(data), onError: first.reject },
      )
      expect(await first.promise).toEqual(synced(ada.user.username))
      unsubscribe()
    })

    test('writes no token, password or key to the log', async () => {
      await server.call(`${socket}?token=${bob.access_token}x`)
      await server.call('/api/auth/me', { headers: { authorization: `Bearer ${bob.access_token}x` } })
      await server.post('/api/auth/login', { username: bob.user.username, password: 'Secret-Horse-9' })
      await server.post('/api/auth/refresh', { refresh_token: `${bob.refresh_token}x` })
      await server.post('/trpc/accounts.login', { username: bob.user.username, password: 'Secret-Horse-9' })
      const log = lines.join('')
      expect(lines.length).toBeGreaterThan(20)
      for (const secret of [
        bob.access_token,
        ada.access_token,
        bob.refresh_token,
        KEY,
        PASSWORD,
        'Secret-Horse-9',
        '$argon2id',
      ]) {
        expect(log).not.toContain(secret)
      }
    })

    test('tells no values when the database fails at a statement', async () => {
      await database.sql`ALTER TABLE refresh_tokens RENAME COLUMN used_at TO hidden`
      const before = lines.length
      const token = 'a-refresh-token-that-is-looked-for'
      const hash = new Bun.CryptoHasher('sha256').update(token).digest('hex')
      const answer = await server.post('/api/auth/refresh', { refresh_token: token })
      await database.sql`ALTER TABLE refresh_tokens RENAME COLUMN hidden TO used_at`
      expect([answer.status, Object.keys(await answer.json())]).toEqual([500, ['detail', 'reason', 'request_id']])
      const log = lines.slice(before).join('')
      expect(log).toContain('used_at')
      expect(log).not.toContain(token)
      expect(log).not.toContain(hash)
    })
  })
}
