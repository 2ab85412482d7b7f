import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { EventPage } from '../../src/contract/chat-calls.ts'
import { SupportMessage, SupportSession, SupportSessionWithMessages } from '../../src/contract/support.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { LiveClient } from '../support/live.ts'
import { refusalOf } from '../support/people.ts'
import { type Person, signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

const base = '/api/v1/sessions'
const Messages = z.array(SupportMessage)
const Sessions = z.array(SupportSession)

for (const { kind, open } of testDatabases()) {
  describe(`the Support API on ${kind}`, () => {
    let database: OpenedDatabase
    /** Open to all. */
    let server: TestServer
    /** On the same database: wants a token. */
    let closed: TestServer
    let ada: Person
    let bob: Person
    let agent: Person
    let other: Person
    beforeAll(async () => {
      database = await open()
      server = await startServer({ database })
      closed = await startServer({ database, env: { PUBLIC_APIS: ',' } })
      ;[ada, bob, agent, other] = await Promise.all([
        signUp(closed, 'ada'),
        signUp(closed, 'bob'),
        newAgent(closed),
        newAgent(closed),
      ])
    })
    afterAll(async () => {
      await Promise.all([server.close(), closed.close()])
      await database.close()
    })

    const make = async (more: object = {}) => {
      const answer = await server.post(base, { user_id: 'customer-7', ...more })
      expect(answer.status).toBe(200)
      return SupportSession.parse(await answer.json())
    }
    const say = async (id: string, content: string, as: object = {}) => {
      const draft = { content, sender_type: 'user', sender_id: 'customer-7', ...as }
      return server.post(`${base}/${id}/messages`, draft)
    }
    const patch = (id: string, change: object) =>
      server.call(`${base}/${id}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(change),
      })
    const read = async (id: string) =>
      SupportSessionWithMessages.parse(await (await server.call(`${base}/${id}`)).json())

    test('a session is opened, changed, ended, and goes on', async () => {
      const made = await make({ metadata: { topic: 'invoice' } })
      expect(made).toMatchObject({ agent_id: null, status: 'active', metadata: { topic: 'invoice' }, ended_at: null })
      expect(made.waiting_since).toBe(made.created_at)
      const held = SupportSession.parse(await (await patch(made.id, { agent_id: 'agent-3', metadata: null })).json())
      expect(held).toMatchObject({ agent_id: 'agent-3', status: 'active', metadata: { topic: 'invoice' } })
      expect(held.waiting_since).toBeNull()
      const moved = await (await patch(made.id, { agent_id: 'agent-4', status: 'transferred' })).json()
      expect(moved).toMatchObject({ agent_id: 'agent-4', status: 'transferred' })
      expect(await refusalOf(await patch(made.id, { status: 'sleeping' }))).toEqual({ status: 422, reason: 'invalid' })

      const end = async () => SupportSession.parse(await (await server.post(`${base}/${made.id}/end`, {})).json())
      const ended = await end()
      expect(ended).toMatchObject({ status: 'ended', agent_id: 'agent-4' })
      expect(ended.ended_at).not.toBeNull()
      expect(await end()).toEqual(ended)
      expect(await refusalOf(await say(made.id, 'too late'))).toEqual({ status: 409, reason: 'session_ended' })
      const again = await (await patch(made.id, { status: 'active' })).json()
      expect(again).toMatchObject({ status: 'active', ended_at: null, agent_id: 'agent-4' })
      expect((await say(made.id, 'hello again')).status).toBe(200)
    })

    test('messages are posted, listed and deleted as documented', async () => {
      const { id } = await make({ agent_id: 'agent-3' })
      const first = SupportMessage.parse(await (await say(id, 'one', { metadata: { from: 'app' } })).json())
      expect(first).toMatchObject({ session_id: id, content: 'one', sender_type: 'user', sender_id: 'customer-7' })
      expect(first).toMatchObject({ is_deleted: false, metadata: { from: 'app' } })
      expect((await read(id)).first_reply_at).toBeNull()
      const reply = SupportMessage.parse(
        await (await say(id, 'two', { sender_type: 'agent', sender_id: 'agent-3' })).json(),
      )
      await say(id, 'three', { sender_type: 'agent', sender_id: 'agent-3' })
      await say(id, 'four', { sender_type: 'system', sender_id: 'clock' })
      const session = await read(id)
      expect(session.first_reply_at).toBe(reply.created_at)
      expect(session.messages.map(({ content }) => content)).toEqual(['one', 'two', 'three', 'four'])
      expect(session.messages[0]).toEqual(first)

      const remove = async () =>
        SupportMessage.parse(await (await server.call(`/api/v1/messages/${reply.id}`, { method: 'DELETE' })).json())
      expect(await remove()).toEqual({ ...reply, content: '', is_deleted: true, metadata: {} })
      expect((await remove()).is_deleted).toBe(true)
      const page = async (query: string) =>
        Messages.parse(await (await server.call(`${base}/${id}/messages${query}`)).json()).map(({ content }) => content)
      expect(await page('')).toEqual(['one', 'three', 'four'])
      expect(await page('?limit=1&offset=1')).toEqual(['three'])
      expect((await server.call(`${base}/${id}/messages?limit=1001`)).status).toBe(422)

      const client_id = crypto.randomUUID()
      const [once, twice] = [await say(id, 'five', { client_id }), await say(id, 'five', { client_id })]
      expect(await twice.json()).toEqual(await once.json())
      expect(await page('')).toHaveLength(4)
    })

    test('a customer’s sessions are listed, the newest first', async () => {
      const user_id = `customer ${crypto.randomUUID()}/é`
      const list = async (query = '') =>
        Sessions.parse(
          await (await server.call(`/api/v1/users/${encodeURIComponent(user_id)}/sessions${query}`)).json(),
        )
      expect(await list()).toEqual([])
      const made = [await make({ user_id }), await make({ user_id }), await make({ user_id })]
      await server.post(`${base}/${made[1]?.id}/end`, {})
      expect((await list()).map(({ id }) => id)).toEqual(made.map(({ id }) => id).reverse())
      expect((await list('?active_only=true')).map(({ id }) => id)).toEqual([made[2]?.id ?? '', made[0]?.id ?? ''])
      expect((await list('?limit=1&offset=2')).map(({ id }) => id)).toEqual([made[0]?.id ?? ''])
    })

    test('what is not there is a 404, and what makes no sense a 422', async () => {
      const none = crypto.randomUUID()
      const missing = { status: 404, reason: 'session_missing' }
      expect(await refusalOf(await server.call(`${base}/${none}`))).toEqual(missing)
      expect(await refusalOf(await patch(none, {}))).toEqual(missing)
      expect(await refusalOf(await server.post(`${base}/${none}/end`, {}))).toEqual(missing)
      expect(await refusalOf(await say(none, 'hello'))).toEqual(missing)
      const gone = await server.call(`/api/v1/messages/${none}`, { method: 'DELETE' })
      expect(await refusalOf(gone)).toEqual({ status: 404, reason: 'message_missing' })
      // A chat that is no support session is none, nor are its messages support's.
      const { id } = await closed.chats.chats.create({ kind: 'service' }, { title: 'Not yours' })
      expect(await refusalOf(await server.call(`${base}/${id}`))).toEqual(missing)
      expect(await refusalOf(await say(id, 'hello'))).toEqual(missing)
      for (const body of [{}, { user_id: '' }, { user_id: 'x', metadata: { big: 'x'.repeat(9000) } }])
        expect((await server.post(base, body)).status).toBe(422)
      expect((await say((await make()).id, 'hello', { sender_type: 'robot' })).status).toBe(422)
    })

    test('every change is an event of the chat, which a customer and its agent watch', async () => {
      const session = SupportSession.parse(await (await ada.send(base, { user_id: ada.user.id })).json())
      const id = session.id
      const [live, desk] = [await LiveClient.open(closed.ws, ada), await LiveClient.open(closed.ws, agent)]
      await live.watch(id)
      await closed.support.update({ kind: 'service' }, id, { agent_id: agent.user.id })
      await desk.watch(id)
      expect(await live.events(1)).toMatchObject([
        { type: 'support.updated', data: { agent_id: agent.user.id, waiting_since: null, user_id: ada.user.id } },
      ])
      // By the native door an agent speaks as one.
      const posted = await desk.ask({ type: 'post', chat_id: id, content: 'How may I help?' })
      expect(posted).toMatchObject({ type: 'ack', message: { sender_type: 'agent', sender_id: agent.user.id } })
      await ada.send(`/api/chats/${id}/messages`, { content: 'My invoice is wrong.' })
      await ada.send(`${base}/${id}/end`, {})
      const told = await live.events(3)
      expect(told.map(({ type }) => type)).toEqual(['message.created', 'message.created', 'support.updated'])
      expect(await desk.events(3)).toEqual(told)
      const page = EventPage.parse(await (await ada.call(`/api/chats/${id}/events?after=4`)).json())
      expect(page.events.map(({ seq }) => seq)).toEqual(told.map(({ seq }) => seq))
      expect(await refusalOf(await ada.send(`/api/chats/${id}/messages`, { content: 'Wait!' }))).toEqual({
        status: 409,
        reason: 'session_ended',
      })
      await Promise.all([live.close(), desk.close()])
    })

    test('a user has its own sessions, an agent those that it holds or that wait', async () => {
      const { id } = SupportSession.parse(await (await ada.send(base, { user_id: ada.user.id })).json())
      const forbidden = { status: 403, reason: 'forbidden' }
      const missing = { status: 404, reason: 'session_missing' }
      const refused = async (answer: Promise<Response>) => refusalOf(await answer)
      expect(await refused(bob.send(base, { user_id: ada.user.id }))).toEqual(forbidden)
      expect(await refused(ada.send(base, { user_id: ada.user.id, agent_id: agent.user.id }))).toEqual(forbidden)
      expect(await refused(bob.call(`${base}/${id}`))).toEqual(missing)
      expect(await refused(bob.send(`${base}/${id}/end`, {}))).toEqual(missing)
      // It waits: every agent reads it, none writes to it.
      expect((await agent.call(`${base}/${id}`)).status).toBe(200)
      const asAgent = { content: 'mine', sender_type: 'agent', sender_id: agent.user.id }
      const notAssigned = { status: 403, reason: 'not_assigned' }
      expect(await refused(agent.send(`${base}/${id}/messages`, asAgent))).toEqual(notAssigned)
      expect(await refused(agent.send(`/api/chats/${id}/messages`, { content: 'mine' }))).toEqual(notAssigned)
      expect(await refused(ada.send(`${base}/${id}`, { agent_id: other.user.id }, 'PATCH'))).toEqual(forbidden)

      await closed.support.update({ kind: 'service' }, id, { agent_id: agent.user.id })
      expect((await agent.send(`${base}/${id}/messages`, asAgent)).status).toBe(200)
      expect(await refused(agent.send(`${base}/${id}/messages`, { ...asAgent, sender_id: 'x' }))).toEqual(forbidden)
      expect(await refused(other.call(`${base}/${id}`))).toEqual(missing)
      expect(await refused(other.call(`/api/chats/${id}`))).toEqual(forbidden)
      const seen = async (who: Person) =>
        Sessions.parse(await (await who.call(`/api/v1/users/${ada.user.id}/sessions`)).json()).some(
          (session) => session.id === id,
        )
      expect([await seen(ada), await seen(agent), await seen(other)]).toEqual([true, true, false])
      // The chat as a whole is neither's.
      for (const who of [ada, agent])
        expect(await refused(who.call(`/api/chats/${id}`, { method: 'DELETE' }))).toEqual(forbidden)
    })
  })
}

async function newAgent(server: TestServer): Promise<Person> {
  const person = await signUp(server, 'agent')
  await server.accounts.amend({ kind: 'service' }, person.user.id, { role: 'agent' })
  return person
}
