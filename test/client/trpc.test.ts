import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink, TRPCClientError } from '@trpc/client'
import { EventSource, type FetchLike } from 'eventsource'
import type { Router } from '../../client/src/trpc.ts'
import type { SessionWatchEvent } from '../../src/contract/sessions.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { memoryStores } from '../support/stores.ts'

setDefaultTimeout(60_000)

const stores = memoryStores()
let server: TestServer
beforeAll(async () => {
  server = await startServer({ stores })
})
afterAll(() => server.close())

function clientOf(fetch: FetchLike = globalThis.fetch) {
  const url = `${server.url}/trpc`
  return createTRPCClient<Router>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: httpSubscriptionLink({ url, EventSource, eventSourceOptions: () => ({ fetch }) }),
        false: httpBatchLink({ url }),
      }),
    ],
  })
}

type Client = ReturnType<typeof clientOf>

/** A subscription whose events a test takes one by one. */
function watch(client: Client, session_id: string, lastEventId?: string) {
  const events: { id: string; data: SessionWatchEvent }[] = []
  let arrived = Promise.withResolvers<void>()
  const { unsubscribe } = client.sessions.watch.subscribe(
    { session_id, lastEventId },
    {
      onData({ id, data }) {
        events.push({ id, data })
        arrived.resolve()
      },
      onError: (error) => arrived.reject(error),
    },
  )
  const next = async () => {
    while (true) {
      const event = events.shift()
      if (event) return event
      arrived = Promise.withResolvers()
      await arrived.promise
    }
  }
  const contents = async (count: number) => {
    const found: (string | undefined)[] = []
    for (let index = 0; index < count; index += 1) found.push(contentOf((await next()).data))
    return found
  }
  return { next, contents, unsubscribe }
}

const contentOf = (event: SessionWatchEvent) => (event.type === 'message.created' ? event.message.content : event.type)

const say = (client: Client, session_id: string, ...contents: string[]) =>
  contents.reduce<Promise<unknown>>(
    (before, content) => before.then(() => client.sessions.post.mutate({ session_id, role: 'user', content })),
    Promise.resolve(),
  )

/** Streams that a test breaks off. One after that waits until it is let through. */
function breakable() {
  let cut = () => {}
  let gate = Promise.resolve()
  const through: FetchLike = async (url, init) => {
    await gate
    const response = await fetch(url, init)
    const broken = new AbortController()
    cut = () => broken.abort(new TypeError('terminated'))
    const body = new TransformStream<Uint8Array, Uint8Array>({
      // The client's own pause before it comes back is none of this test's concern.
      start: (stream) => stream.enqueue(new TextEncoder().encode('retry: 0\n\n')),
    })
    response.body?.pipeTo(body.writable, { signal: broken.signal }).catch(() => {})
    return new Response(body.readable, response)
  }
  return {
    fetch: through,
    /** Breaks off; returns what lets the next one through. */
    break(): () => void {
      const next = Promise.withResolvers<void>()
      gate = next.promise
      cut()
      return next.resolve
    },
  }
}

describe('tRPC', () => {
  test('posts, reads, lists and clears', async () => {
    const { sessions } = clientOf()
    const posted = await sessions.post.mutate({ session_id: 'rpc', role: 'user', content: '2026-01-02' })
    expect(posted.messages).toEqual([
      { id: expect.any(String), role: 'user', content: '2026-01-02', created_at: expect.any(String) },
    ])
    const [read, listed] = await Promise.all([
      sessions.get.query({ session_id: 'rpc' }),
      sessions.list.query({ limit: 1, after: 'rpb' }),
    ])
    expect(read).toEqual(posted)
    expect(listed).toEqual([{ session_id: 'rpc', message_count: 1 }])
    expect(await sessions.clear.mutate({ session_id: 'rpc' })).toEqual({ session_id: 'rpc', messages: [] })
  })

  test('tells why it refuses', async () => {
    const refused = clientOf().sessions.post.mutate({ session_id: 'rpc', role: 'user', content: ' ' })
    const error = await refused.catch((thrown: unknown) => thrown)
    if (!(error instanceof TRPCClientError)) throw new Error('It was not refused.')
    const { data }: TRPCClientError<Router> = error
    expect(data).toMatchObject({ reason: 'invalid', issues: [{ msg: 'Content must not be blank.' }] })
  })

  test('a watch whose connection breaks misses nothing and gets nothing twice', async () => {
    const line = breakable()
    const client = clientOf(line.fetch)
    const watched = watch(client, 'broken')
    expect(await watched.contents(1)).toEqual(['session.sync'])
    await say(client, 'broken', 'one', 'two')
    expect(await watched.contents(2)).toEqual(['one', 'two'])
    const mend = line.break()
    await say(client, 'broken', 'three', 'four')
    mend()
    expect(await watched.contents(2)).toEqual(['three', 'four'])
    await say(client, 'broken', 'five')
    expect(await watched.contents(1)).toEqual(['five'])
    watched.unsubscribe()
  })

  test('a watch resumes where an earlier one ended', async () => {
    const client = clientOf()
    const earlier = watch(client, 'resumed')
    await earlier.next()
    await say(client, 'resumed', 'one', 'two')
    expect(contentOf((await earlier.next()).data)).toBe('one')
    const { id } = await earlier.next()
    earlier.unsubscribe()
    await say(client, 'resumed', 'three')
    const later = watch(client, 'resumed', id)
    expect(await later.contents(1)).toEqual(['three'])
    await client.sessions.clear.mutate({ session_id: 'resumed' })
    await say(client, 'resumed', 'four')
    expect(await later.contents(2)).toEqual(['session.cleared', 'four'])
    later.unsubscribe()
  })
  test('a watch is told that the session became a chat, once, wherever it comes back', async () => {
    const client = clientOf()
    const session = { owner: '', id: 'promoted' }
    await say(client, session.id, 'before')
    const watched = watch(client, session.id)
    const ids = [(await watched.next()).id]
    await say(client, session.id, 'one', 'two')
    for (let index = 0; index < 2; index += 1) ids.push((await watched.next()).id)
    const chatId = Bun.randomUUIDv7()
    await stores.sessions.seal(session, { chatId, accountId: crypto.randomUUID() })
    await stores.sessions.promoted(session, { chatId, seq: 5 })
    const told = { type: 'session.promoted', session_id: session.id, chat_id: chatId, seq: 5 } as const
    const { id, data } = await watched.next()
    expect(data).toEqual(told)
    watched.unsubscribe()

    const rests = [['one', 'two'], ['two'], []]
    for (const [index, lastEventId] of ids.entries()) {
      const later = watch(client, session.id, lastEventId)
      const rest = rests[index] ?? []
      expect(await later.contents(rest.length)).toEqual(rest)
      expect(await later.next()).toEqual({ id, data: told })
      later.unsubscribe()
    }
    const fresh = watch(client, session.id)
    const sync = await fresh.next()
    expect(sync).toMatchObject({ id: ids[2], data: { type: 'session.sync', session: { messages: [{}, {}, {}] } } })
    expect(await fresh.next()).toEqual({ id, data: told })
    fresh.unsubscribe()
    const { messages } = await client.sessions.get.query({ session_id: session.id })
    expect(messages.map(({ content }) => content)).toEqual(['before', 'one', 'two'])
  })
})
