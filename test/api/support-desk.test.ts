import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SupportSession } from '../../src/contract/support.ts'
import { AgentState, SupportNote, SupportQueue, SupportStatistics } from '../../src/contract/support-desk.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { LiveClient } from '../support/live.ts'
import { refusalOf } from '../support/people.ts'
import { type Person, personOf, signUp } from '../support/person.ts'
import { memoryStores } from '../support/stores.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const base = '/api/v1/sessions'
const SERVICE = { kind: 'service' } as const

for (const { kind, open } of testDatabases()) {
  describe(`the support desk on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    /** Another instance on the same database. */
    let second: TestServer
    let ada: Person
    let agents: Person[]
    beforeAll(async () => {
      database = await open()
      const env = { PUBLIC_APIS: ',', SUPPORT_SESSIONS_PER_AGENT: '3' }
      const stores = memoryStores()
      server = await startServer({ database, env, stores })
      second = await startServer({ database, env, stores })
      ada = await signUp(server, 'ada')
      agents = await Promise.all([newAgent(server), newAgent(server), newAgent(server), newAgent(server)])
    })
    afterAll(async () => {
      await Promise.all([server.close(), second.close()])
      await database.close()
    })

    const waiting = (userId = ada.user.id) => server.support.create(SERVICE, { user_id: userId })
    const session = async (answer: Promise<Response>) => SupportSession.parse(await (await answer).json())
    const refused = async (answer: Promise<Response>) => refusalOf(await answer)
    const act = (who: Person, id: string, what: string, body: object = {}) => who.send(`${base}/${id}/${what}`, body)
    const agent = (index: number): Person => agents[index] ?? ada
    /** Nobody has anything. */
    const clear = async () => {
      await database.sql`UPDATE support_sessions SET status = 'ended', ended_at = now(), waiting_since = NULL
        WHERE status <> 'ended'`
      await database.sql`UPDATE chats SET handling = 'ended' WHERE handling IS NOT NULL`
      await database.sql`DELETE FROM support_agents`
    }

    test('of agents who claim a session at once, on several instances, one has it', async () => {
      await clear()
      for (let round = 0; round < 3; round += 1) {
        const { id } = await waiting()
        const tries = agents.map((who, index) => act(index % 2 ? who : on(second, who), id, 'claim'))
        const answers = await Promise.all(tries)
        const winners = answers.filter(({ status }) => status === 200)
        expect(winners).toHaveLength(1)
        const { agent_id } = SupportSession.parse(await winners[0]?.json())
        for (const lost of answers.filter(({ status }) => status !== 200))
          expect(await refusalOf(lost)).toEqual({ status: 409, reason: 'already_claimed' })
        const winner = agents.find(({ user }) => user.id === agent_id) ?? ada
        // Again, nothing changes; and nobody else sees it.
        expect((await session(act(winner, id, 'claim'))).agent_id).toBe(agent_id)
        await clear()
      }
    })

    test('an agent takes no more than it may at once, however it comes by them', async () => {
      await clear()
      const [one, other] = [agent(0), agent(1)]
      const made = [await waiting(), await waiting(), await waiting(), await waiting(), await waiting()]
      const answers = await Promise.all(
        made.map(({ id }, index) => act(index % 2 ? one : on(second, one), id, 'claim')),
      )
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
      const full = { status: 409, reason: 'agent_full' }
      for (const answer of answers.filter(({ status }) => status !== 200)) expect(await refusalOf(answer)).toEqual(full)
      const queue = SupportQueue.parse(await (await other.call('/api/v1/support/queue')).json())
      expect(queue.waiting).toBe(2)
      expect(queue.sessions.map(({ position }) => position)).toEqual([1, 2])
      const { id } = await session(act(other, queue.sessions[0]?.id ?? '', 'claim'))
      expect(await refused(act(other, id, 'transfer', { agent_id: one.user.id }))).toEqual(full)
      expect(await refused(other.send(`${base}/${id}`, { agent_id: one.user.id }, 'PATCH'))).toEqual(full)
      const mine = `/api/v1/support/agents/${one.user.id}`
      const state = AgentState.parse(await (await one.send(mine, { session_limit: 4 }, 'PATCH')).json())
      expect(state).toEqual({ agent_id: one.user.id, available: true, session_limit: 4, sessions: 3 })
      expect(await refused(other.send(mine, { available: false }, 'PATCH'))).toEqual({
        status: 403,
        reason: 'forbidden',
      })
      await one.send(mine, { available: false }, 'PATCH')
      expect(await refused(act(other, id, 'transfer', { agent_id: one.user.id }))).toEqual({
        status: 409,
        reason: 'agent_unavailable',
      })
      await one.send(mine, { available: true, session_limit: null }, 'PATCH')
      await act(one, made.find(({ id: made }) => made !== id)?.id ?? '', 'end')
    })

    test('an agent who is none any more says nothing of itself, though its token was known', async () => {
      const { user, send } = agent(1)
      const mine = `/api/v1/support/agents/${user.id}`
      expect((await send(mine, { available: true }, 'PATCH')).status).toBe(200)
      await database.sql`UPDATE users SET role = 'user' WHERE id = ${user.id}`
      expect(await refused(send(mine, { available: false }, 'PATCH'))).toEqual({ status: 401, reason: 'token_invalid' })
      await database.sql`UPDATE users SET role = 'agent' WHERE id = ${user.id}`
      expect(AgentState.parse(await (await send(mine, {}, 'PATCH')).json()).available).toBe(true)
    })

    test('a session goes to another agent, back to the queue, ends, and is opened again', async () => {
      await clear()
      const { id } = await waiting()
      await act(agent(0), id, 'claim')
      const moved = await session(
        act(agent(0), id, 'transfer', { agent_id: agent(1).user.id, note: 'Secret handshake' }),
      )
      expect(moved).toMatchObject({ agent_id: agent(1).user.id, status: 'transferred', waiting_since: null })
      // It is gone for the first, and what the second was told is there.
      expect(await refused(agent(0).call(`${base}/${id}/notes`))).toEqual({ status: 404, reason: 'session_missing' })
      const notes = SupportNote.array().parse(await (await agent(1).call(`${base}/${id}/notes`)).json())
      expect(notes).toMatchObject([{ session_id: id, author_id: agent(0).user.id, content: 'Secret handshake' }])
      expect(await refused(act(agent(0), id, 'transfer'))).toEqual({ status: 404, reason: 'session_missing' })
      expect(await refused(act(agent(1), id, 'transfer', { agent_id: ada.user.id }))).toEqual({
        status: 404,
        reason: 'agent_missing',
      })
      const back = await session(act(agent(1), id, 'transfer'))
      expect(back).toMatchObject({ agent_id: null, status: 'transferred' })
      expect(back.waiting_since).not.toBeNull()
      expect(await session(act(agent(2), id, 'claim'))).toMatchObject({ agent_id: agent(2).user.id, status: 'active' })
      await act(agent(2), id, 'end')
      expect(await refused(act(agent(2), id, 'transfer'))).toEqual({ status: 409, reason: 'session_ended' })
      expect(await refused(act(agent(3), id, 'claim'))).toEqual({ status: 409, reason: 'session_ended' })
      expect(await session(act(agent(2), id, 'reopen'))).toMatchObject({ agent_id: agent(2).user.id, ended_at: null })
      await act(agent(2), id, 'end')
      // Its customer comes back: somebody is to take it.
      const again = await server.support.reopen(actorOf(ada), id)
      expect(again).toMatchObject({ agent_id: null, status: 'active', ended_at: null })
      expect(again.waiting_since).not.toBeNull()
    })

    test('what is written to an agent’s own session while it goes to another is refused or comes before', async () => {
      await clear()
      const { id } = await waiting()
      await act(agent(0), id, 'claim')
      const said = { content: 'hello', sender_type: 'agent', sender_id: agent(0).user.id } as const
      const actor = { kind: 'account', accountId: agent(0).user.id, role: 'agent', loginId: null } as const
      await server.supportDesk.transfer(SERVICE, id, { agent_id: agent(1).user.id })
      // As if it had been let in before that.
      const post = { id: Bun.randomUUIDv7(), chatId: id, branchId: null, senderType: 'agent', senderId: said.sender_id }
      const late = server.chats.log.append({
        ...post,
        senderType: 'agent',
        content: 'late',
        status: 'completed',
        metadata: {},
        clientId: null,
        actor,
        event: '{"id":"x"',
      })
      expect(await late.catch((fault: unknown) => fault)).toMatchObject({ reason: 'not_assigned' })
    })

    test('the server gives what waits to who is available and has the fewest', async () => {
      await clear()
      const routed = await startServer({
        database,
        env: { PUBLIC_APIS: ',', SUPPORT_ROUTING: 'least_busy', SUPPORT_SESSIONS_PER_AGENT: '2' },
      })
      try {
        const made = await Promise.all([1, 2, 3, 4, 5].map((n) => routed.support.create(SERVICE, { user_id: `c${n}` })))
        const ids = [agent(0).user.id, agent(1).user.id]
        for (const id of ids) await routed.supportDesk.changeAgent(SERVICE, id, { available: true })
        const held = async () => (await routed.supportDesk.agents(SERVICE)).map(({ sessions }) => sessions)
        await until(async () => (await held()).join() === '2,2', 'both to have two')
        const { sessions } = await routed.supportDesk.queue(SERVICE, { limit: 10, offset: 0 })
        expect(sessions.map(({ user_id }) => user_id)).toHaveLength(1)
        // The first to have room again has it.
        const mine = made.find(({ id }) => id !== sessions[0]?.id)?.id ?? ''
        await routed.support.end(SERVICE, mine)
        await until(async () => (await routed.supportDesk.queue(SERVICE, { limit: 10, offset: 0 })).waiting === 0)
        expect((await held()).join()).toBe('2,2')
      } finally {
        await routed.close()
      }
    })

    test('agents are told of the queue, of what they have, and of notes, as they change; others are not', async () => {
      await clear()
      const [one, other, customer] = [
        await LiveClient.open(server.ws, agent(0)),
        await LiveClient.open(second.ws, agent(1)),
        await LiveClient.open(server.ws, ada),
      ]
      expect(await customer.ask({ type: 'watch_desk' })).toMatchObject({ type: 'refused', reason: 'forbidden' })
      for (const socket of [one, other]) expect(await socket.ask({ type: 'watch_desk' })).toMatchObject({ type: 'ack' })
      expect(await other.next('desk.queue')).toMatchObject({ waiting: 0, sessions: [] })
      expect(await other.next('desk.sessions')).toMatchObject({ sessions: [] })
      const { id } = await waiting()
      await customer.watch(id)
      const next = await waiting('customer-9')
      // What is told is the queue as it is; a change on another instance is seen a while later at most.
      const seen = async (socket: LiveClient, ids: string[]) => {
        while (true) {
          const { sessions } = await socket.next('desk.queue')
          if (sessions.map((queued) => queued.id).join() === ids.join()) return sessions
        }
      }
      expect((await seen(one, [id, next.id])).map(({ position }) => position)).toEqual([1, 2])
      await act(agent(0), id, 'claim')
      await seen(one, [next.id])
      const has = async (socket: LiveClient, ids: string[]) => {
        while ((await socket.next('desk.sessions')).sessions.map((held) => held.id).join() !== ids.join());
      }
      await has(one, [id])
      await one.watch(id)
      await act(agent(0), id, 'notes', { content: 'Secret handshake' })
      expect((await one.next('desk.note')).note).toMatchObject({ session_id: id, content: 'Secret handshake' })
      // It goes to the other, on the other instance: the first hears no more of it.
      await act(agent(0), id, 'transfer', { agent_id: agent(1).user.id, note: 'Another secret' })
      expect(await one.next('unwatched')).toMatchObject({ chat_id: id })
      await has(one, [])
      await has(other, [id])
      await ada.send(`/api/chats/${id}/messages`, { content: 'Are you there?' })
      expect(await one.ask({ type: 'watch', chat_id: id })).toMatchObject({ type: 'refused', reason: 'chat_missing' })
      const told = await customer.events(3)
      expect(told.map(({ type }) => type)).toEqual(['support.updated', 'support.updated', 'message.created'])
      expect(
        one
          .kept()
          .filter((frame) => 'seq' in frame && 'at' in frame)
          .map(({ type }) => type),
      ).toEqual(['support.updated'])
      const reads = ['', '/messages', '/events', '/export'].map((part) => ada.call(`/api/chats/${id}${part}`))
      const search = ada.call(`/api/search?q=secret&chat_id=${id}`)
      const texts = await Promise.all([...reads, search].map(async (read) => (await read).text()))
      const own = await (await ada.call(`${base}/${id}`)).text()
      for (const text of [...texts, own, JSON.stringify(told), JSON.stringify(customer.kept())])
        expect(text).not.toMatch(/secret/i)
      await Promise.all([one.close(), other.close(), customer.close()])
    })

    test('figures tell what is open, how long it took, by agent and by day', async () => {
      await clear()
      await database.sql`DELETE FROM support_sessions`
      const [first, second] = [await waiting(), await waiting()]
      await server.support.create(SERVICE, { user_id: 'x', answering: true })
      await act(agent(0), first.id, 'claim')
      const said = { content: 'hello', sender_type: 'agent', sender_id: agent(0).user.id } as const
      await act(agent(0), first.id, 'messages', said)
      await act(agent(0), first.id, 'end')
      await database.sql`UPDATE support_sessions SET asked_at = ended_at - interval '10 minutes',
        first_reply_at = ended_at - interval '9 minutes' WHERE chat_id = ${first.id}`
      await database.sql`UPDATE support_sessions SET waiting_since = now() - interval '1 hour' WHERE chat_id = ${second.id}`
      const figures = SupportStatistics.parse(await (await agent(1).call('/api/v1/support/statistics?days=2')).json())
      expect(figures).toMatchObject({ open: 1, waiting: 1, answering: 1 })
      expect(figures.longest_wait_seconds).toBeGreaterThanOrEqual(3600)
      const times = { first_reply_seconds: 60, resolution_seconds: 600 }
      expect(figures.per_agent).toEqual([{ agent_id: agent(0).user.id, open: 0, ended: 1, ...times }])
      expect(figures.per_day).toHaveLength(2)
      const sum = (key: 'opened' | 'ended') => figures.per_day.reduce((total, day) => total + day[key], 0)
      expect([sum('opened'), sum('ended')]).toEqual([3, 1])
      expect(figures.per_day.find(({ ended }) => ended === 1)).toMatchObject(times)
    })
  })
}

/** The same person, calling another instance. */
function on(server: TestServer, person: Person): Person {
  return personOf(server, person)
}

function actorOf({ user }: Person) {
  return { kind: 'account', accountId: user.id, role: 'user', loginId: null } as const
}

async function newAgent(server: TestServer): Promise<Person> {
  const person = await signUp(server, 'agent')
  await server.accounts.amend(SERVICE, person.user.id, { role: 'agent' })
  return person
}
