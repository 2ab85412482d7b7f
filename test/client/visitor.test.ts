import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createClient } from '../../client/src/client.ts'
import { ParleyError, unwrap } from '../../client/src/errors.ts'
import { SocketClosed } from '../../client/src/frames.ts'
import { type Live, openLive } from '../../client/src/live.ts'
import type { LiveItem } from '../../client/src/live-watch.ts'
import { JwtVisitorTokens } from '../../src/adapters/tokens/visitor.ts'
import { TEST_SECRET } from '../support/accounts.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { upload } from '../support/files.ts'
import { type Person, signUp } from '../support/person.ts'
import { until } from '../support/wait.ts'
import { failureOf, next } from './live-ground.ts'

setDefaultTimeout(60_000)

const KEY = 'the-key-of-a-trusted-back-end-that-is-long'

for (const { kind, open } of testDatabases()) {
  describe(`a customer without an account on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    let agent: Person
    const lives: Live[] = []
    beforeAll(async () => {
      database = await open()
      server = await startServer({
        database,
        env: { SERVICE_API_KEY: KEY, JWT_SECRET: TEST_SECRET, PUBLIC_APIS: 'sessions' },
      })
      agent = await signUp(server, 'agent')
      await server.accounts.amend({ kind: 'service' }, agent.user.id, { role: 'agent' })
    })
    afterEach(() => {
      for (const live of lives.splice(0)) live.close()
    })
    afterAll(async () => {
      await server.close()
      await database.close()
    })

    /** What the embedding product's back end does for a page of its own. */
    const admit = async (user_id: string) => {
      const backEnd = createClient(server.url, { headers: { 'x-api-key': KEY } })
      return (await unwrap(backEnd.api.v1.visitors.post({ user_id, name: 'Grace' }))).token
    }
    const connect = (token: string | (() => Promise<string>)) => {
      const live = openLive(server.url, { token })
      lives.push(live)
      return live
    }
    const typesOf = (items: LiveItem[]) => items.map(({ type }) => type)

    test('opens a session, is heard and answered over one socket, and sees what an agent attaches', async () => {
      const user_id = `customer ${crypto.randomUUID()}`
      const token = await admit(user_id)
      const visitor = createClient(server.url, { token })
      const forged = { topic: 'invoice', visitor: { name: 'The boss' } }
      const session = await unwrap(visitor.api.v1.sessions.post({ user_id, metadata: forged }))
      const known = { visitor: { name: 'Grace', metadata: {} } }
      expect(session).toMatchObject({ user_id, agent_id: null, metadata: { topic: 'invoice', ...known } })
      const mineAlone = visitor.api.v1.sessions({ session_id: session.id })
      expect((await unwrap(mineAlone.patch({ metadata: { visitor: 1 } }))).metadata).toEqual(known)
      const live = connect(() => admit(user_id))
      const watch = live.watch(session.id)[Symbol.asyncIterator]()
      expect(typesOf(await next(watch))).toEqual(['watching'])
      const question = await live.post(session.id, { content: 'My invoice is wrong.' })
      expect(question).toMatchObject({ sender_type: 'user', sender_id: user_id })

      const desk = createClient(server.url, { token: agent.access_token })
      await unwrap(desk.api.v1.sessions({ session_id: session.id }).claim.post())
      const deskLive = connect(agent.access_token)
      const shown = deskLive.chat(session.id)
      const unsubscribe = shown.subscribe(() => {})
      await until(() => shown.getSnapshot().presence.users.length === 2)
      expect(new Set(shown.getSnapshot().presence.users)).toEqual(new Set([user_id, agent.user.id]))
      live.typing(session.id, true)
      await until(() => shown.getSnapshot().typing.includes(user_id))

      const answer = await deskLive.post(session.id, { content: 'Here it is.' })
      expect(answer).toMatchObject({ sender_type: 'agent', sender_id: agent.user.id })
      const extensions = desk.api.v1.messages({ message_id: answer.id }).extensions
      const url = 'https://example.com/invoice.pdf'
      await unwrap(extensions.post({ type: 'attachment', data: { url, name: 'invoice.pdf' } }))
      const file = await upload(agent, 'invoice.txt', 'three hours')
      await unwrap(extensions.post({ type: 'attachment', data: { file_id: file.id } }))
      const mine = visitor.api.v1.messages({ message_id: answer.id }).extensions
      await unwrap(mine.post({ type: 'reaction', data: { reaction_type: 'like' } }))
      await live.read(session.id, answer.id)
      const told = await next(watch, 7)
      expect(typesOf(told)).toEqual([
        'message.created',
        'support.updated',
        'message.created',
        'attachment.added',
        'file.attached',
        'reaction.added',
        'read.moved',
      ])
      expect(told.at(-1)).toMatchObject({ data: { user_id } })
      const listed = await unwrap(mine.get())
      expect(listed.map(({ type, sender_id }) => [type, sender_id])).toEqual([
        ['attachment', agent.user.id],
        ['attachment', agent.user.id],
        ['reaction', user_id],
      ])
      const bytes = await server.call(`/api/files/${file.id}/download`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(await bytes.text()).toBe('three hours')
      // Nothing else of the agent's, and nobody else sees what is this visitor's.
      const unshown = await upload(agent, 'private.txt', 'private')
      const stranger = await admit('somebody else')
      for (const [who, path] of [
        [token, `/api/files/${unshown.id}/download`],
        [stranger, `/api/files/${file.id}/download`],
      ]) {
        const refused = await server.call(path ?? '', { headers: { authorization: `Bearer ${who}` } })
        expect(refused.status).toBe(404)
      }
      const theirs = connect(stranger).watch(session.id)[Symbol.asyncIterator]()
      expect(await failureOf(theirs.next())).toMatchObject({ reason: 'chat_missing' })
      expect(await failureOf(unwrap(createClient(server.url, { token: stranger }).api.chats.get()))).toMatchObject({
        reason: 'not_for_visitors',
      })
      unsubscribe()
    })

    test('is signed out for good as the token ends, and comes back with the next', async () => {
      const user_id = `customer-${crypto.randomUUID()}`
      const session = await unwrap(
        createClient(server.url, { token: await admit(user_id) }).api.v1.sessions.post({ user_id }),
      )
      const tokens = new JwtVisitorTokens({ secret: TEST_SECRET, previous: [], issuer: 'parley', audience: 'parley' })
      const visitor = { kind: 'visitor', userId: user_id, name: null, metadata: {}, generation: 1000 } as const
      const short = await tokens.sign({ visitor, expiresAt: Date.now() + 3000 })
      const once = connect(short).watch(session.id)[Symbol.asyncIterator]()
      let given = 0
      const renewed = connect(async () => {
        given += 1
        return given === 1 ? short : admit(user_id)
      })
      const goesOn = renewed.watch(session.id)[Symbol.asyncIterator]()
      await Promise.all([next(once), next(goesOn)])
      expect(await failureOf(once.next())).toBeInstanceOf(SocketClosed)
      const posted = await renewed.post(session.id, { content: 'still here' })
      expect(await next(goesOn)).toMatchObject([{ type: 'message.created', data: { id: posted.id } }])
      expect(given).toBeGreaterThan(1)
      const late = await failureOf(unwrap(createClient(server.url, { token: short }).api.v1.sessions.post({ user_id })))
      expect(late).toBeInstanceOf(ParleyError)
      expect(late).toMatchObject({ reason: 'token_invalid' })
    })
  })
}
