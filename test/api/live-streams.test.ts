import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createTRPCClient, httpSubscriptionLink } from '@trpc/client'
import { EventSource } from 'eventsource'
import type { Router } from '../../client/src/trpc.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { testDatabases } from '../support/database.ts'
import { TestStream } from '../support/event-source.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'
import { type Person, signUp } from '../support/person.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`a chat's changes as a stream on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const newChat = async () => {
      const { data } = await people.ada.client.api.chats.post({ title: 'Trip' })
      if (data === null) throw new Error('no chat')
      return data.id
    }
    const post = (chatId: string, content: string) => people.ada.send(`/api/chats/${chatId}/messages`, { content })
    const follow = (chatId: string, query = '', headers: Record<string, string> = people.ada.headers) =>
      new TestStream(`${people.server.url}/api/chats/${chatId}/events${query}`, headers)

    test('begins with the chat, then tells of each change', async () => {
      const chatId = await newChat()
      const stream = follow(chatId)
      expect(await stream.next()).toMatchObject({
        id: '2',
        data: { type: 'watching', recovered: false, seq: 2, snapshot: { chat: { id: chatId } } },
      })
      await post(chatId, 'one')
      await post(chatId, 'two')
      expect(await stream.next()).toMatchObject({
        id: '3',
        data: { type: 'message.created', data: { content: 'one' } },
      })
      expect(await stream.next()).toMatchObject({ id: '4', data: { seq: 4, data: { content: 'two' } } })
      stream.close()
    })

    test('goes on after the last event that the client has seen, however far it is behind', async () => {
      const chatId = await newChat()
      for (let number = 0; number < 250; number += 1) await post(chatId, String(number))
      const stream = follow(chatId, '?after=0')
      expect(await stream.next()).toMatchObject({ id: '0', data: { type: 'watching', recovered: true } })
      const later = follow(chatId, '?after=0', { ...people.ada.headers, 'last-event-id': '200' })
      expect(await later.next()).toMatchObject({ id: '200', data: { recovered: true } })
      for (let seq = 1; seq <= 252; seq += 1) expect((await stream.next()).id).toBe(String(seq))
      for (let seq = 201; seq <= 252; seq += 1) expect((await later.next()).id).toBe(String(seq))
      await post(chatId, 'live')
      for (const reader of [stream, later]) {
        expect(await reader.next()).toMatchObject({ id: '253', data: { data: { content: 'live' } } })
        reader.close()
      }
    })

    test('is refused like any other call, before it begins', async () => {
      const chatId = await newChat()
      const stream = { accept: 'text/event-stream' }
      const path = `/api/chats/${chatId}/events`
      expect(await refusalOf(await people.server.call(path, { headers: stream }))).toEqual({
        status: 401,
        reason: 'unauthenticated',
      })
      expect(await refusalOf(await people.bob.call(path, { headers: stream }))).toEqual({
        status: 404,
        reason: 'chat_missing',
      })
      for (const id of ['x', '-1', '1.5', '99999999999999999999']) {
        const answer = await people.ada.call(path, { headers: { ...stream, 'last-event-id': id } })
        expect(await refusalOf(answer)).toEqual({ status: 422, reason: 'invalid' })
      }
    })

    test('is also a tRPC subscription', async () => {
      const chatId = await newChat()
      const watch = new Subscription(people.server, people.ada, chatId, 1)
      await until(() => watch.seen.length === 2, 'what was missed')
      await post(chatId, 'live')
      await until(() => watch.seen.length === 3, 'what happens')
      expect(watch.seen).toEqual([
        { id: '1', type: 'watching' },
        { id: '2', type: 'branch.created' },
        { id: '3', type: 'message.created' },
      ])
      watch.close()
    })

    test('a tRPC subscription fails once its token is no good', async () => {
      const person = await signUp(people.server)
      const chat = (await (await person.send('/api/chats', { title: 'Mine' })).json()) as { id: string }
      const watch = new Subscription(people.server, person, chat.id)
      await until(() => watch.seen.length === 1, 'the subscription')
      await person.call('/api/auth/logout', { method: 'POST' })
      await until(() => watch.failures.length === 1, 'the end of the subscription')
      expect(watch.failures).toEqual(['token_invalid'])
      expect(watch.isComplete).toBe(false)
    })

    test('a tRPC subscription to a server that stops is not complete: its client comes back', async () => {
      const server = await startServer({ database: people.database })
      const person = await signUp(server)
      const chat = (await (await person.send('/api/chats', { title: 'Mine' })).json()) as { id: string }
      const watch = new Subscription(server, person, chat.id, 0)
      await until(() => watch.seen.length === 3, 'the subscription')
      server.health.drain()
      await until(() => watch.connections === 2, 'the client to come back')
      expect(watch.cursors).toEqual([null, '2'])
      expect([watch.failures, watch.isComplete]).toEqual([[], false])
      watch.close()
      await server.close()
    })
  })
}

/** A chat as somebody watches it over tRPC. */
class Subscription {
  readonly seen: { id: string; type: string }[] = []
  /** Why it was refused. */
  readonly failures: unknown[] = []
  /** The `Last-Event-ID` of each connection. */
  readonly cursors: (string | null)[] = []
  isComplete = false
  readonly #subscription: { unsubscribe(): void }

  constructor(server: TestServer, { headers }: Person, chat_id: string, after?: number) {
    const connect = (input: string | URL, init: RequestInit) => {
      const sent = { ...Object.fromEntries(new Headers(init.headers)), ...headers }
      this.cursors.push(new Headers(sent).get('last-event-id'))
      return fetch(input, { ...init, headers: sent })
    }
    const client = createTRPCClient<Router>({
      links: [
        httpSubscriptionLink({
          url: `${server.url}/trpc`,
          EventSource,
          eventSourceOptions: () => ({ fetch: connect }),
        }),
      ],
    })
    this.#subscription = client.chats.watch.subscribe(
      { chat_id, after },
      {
        onData: ({ id, data }) => this.seen.push({ id, type: data.type }),
        onError: ({ data }) => this.failures.push(data?.reason),
        onComplete: () => {
          this.isComplete = true
        },
      },
    )
  }

  get connections(): number {
    return this.cursors.length
  }

  close(): void {
    this.#subscription.unsubscribe()
  }
}
