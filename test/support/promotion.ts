import { expect } from 'bun:test'
import { EventPage, HistoryPage } from '../../src/contract/chat-calls.ts'
import { applyEvent, NO_CHAT } from '../../src/contract/chat-state.ts'
import { Chat } from '../../src/contract/chats.ts'
import { Conversation } from '../../src/contract/sessions.ts'
import { openDatabase } from '../../src/db/open.ts'
import { startServer, type TestServer } from './app.ts'
import { type OpenedDatabase, testDatabases } from './database.ts'
import { type Person, signUp } from './person.ts'
import { randomPrefix, testRedisUrl } from './redis.ts'
import { TestSocket } from './socket.ts'
import { memoryStores, redisStores, type Stores } from './stores.ts'

/** Two instances on the same stores and the same database, and two people. */
export type PromotionWorld = {
  here: TestServer
  there: TestServer
  /** What `here` has of the shared stores, for a test to break. */
  stores: Stores
  database: OpenedDatabase
  ada: Person
  bob: Person
  close(): Promise<void>
}

const pairsOfStores: { name: string; open(): Promise<[Stores, Stores]> }[] = [
  {
    name: 'memory',
    async open() {
      const shared = memoryStores()
      return [shared, shared]
    },
  },
]
if (testRedisUrl !== undefined) {
  const url = testRedisUrl
  pairsOfStores.push({
    name: 'Redis',
    async open() {
      const prefix = randomPrefix()
      return [await redisStores(url, prefix), await redisStores(url, prefix)]
    },
  })
}

/** Every kind of session store with every kind of database. */
export const promotionWorlds = pairsOfStores.flatMap((stores) =>
  testDatabases().map((databases) => ({
    name: `${stores.name} and ${databases.kind}`,
    kind: databases.kind,
    async open(): Promise<PromotionWorld> {
      const [one, other] = await stores.open()
      const database = await databases.open()
      // The embedded database is open once.
      const own = database.target.kind === 'postgres' ? await openDatabase(database.target) : undefined
      const here = await startServer({ stores: one, database })
      const there = await startServer({ stores: other, database: own ?? database })
      return {
        here,
        there,
        stores: one,
        database,
        ada: await signUp(here, 'ada'),
        bob: await signUp(here, 'bob'),
        async close() {
          await Promise.all([here.close(), there.close()])
          await own?.close()
          await database.close()
        },
      }
    },
  })),
)

const pathOf = (session: string) => `/v1/chat/sessions/${session}`

export function say(server: TestServer, session: string, content: string, role = 'user'): Promise<Response> {
  return server.post(`${pathOf(session)}/messages`, { role, content })
}

export async function conversation(server: TestServer, session: string): Promise<Conversation['messages']> {
  return Conversation.parse(await (await server.call(`${pathOf(session)}/messages`)).json()).messages
}

export function watch(server: TestServer, session: string): TestSocket {
  return new TestSocket(`${server.ws}${pathOf(session)}/ws`)
}

export function promote(server: TestServer, person: Person, session: string, body?: object): Promise<Response> {
  const headers = { ...person.headers, ...(body ? { 'content-type': 'application/json' } : {}) }
  const init = { method: 'POST', headers, ...(body ? { body: JSON.stringify(body) } : {}) }
  return server.call(`${pathOf(session)}/promote`, init)
}

export async function chatOf(answer: Response, status: number): Promise<Chat> {
  const body: unknown = await answer.json()
  expect({ status: answer.status, body }).toMatchObject({ status, body: {} })
  return Chat.parse(body)
}

/** A chat as its owner reads it. Its events make the same of an empty chat. */
export async function readChat(person: Person, chatId: string) {
  const chat = Chat.parse(await (await person.call(`/api/chats/${chatId}`)).json())
  const messages: HistoryPage['items'] = []
  for (let after: number | null = 0; after !== null; ) {
    const path = `/api/chats/${chatId}/branches/${chatId}/messages?limit=200&after=${after}`
    const page = HistoryPage.parse(await (await person.call(path)).json())
    messages.push(...page.items)
    after = page.next
  }
  const page = await person.call(`/api/chats/${chatId}/events?limit=1000`)
  const { events, complete, last_seq } = EventPage.parse(await page.json())
  expect({ complete, last_seq, count: events.length }).toEqual({ complete: true, last_seq, count: last_seq })
  const state = events.reduce(applyEvent, NO_CHAT)
  expect(state.chat).toEqual(chat)
  expect(Object.values(state.messages)).toEqual(messages)
  return { chat, messages, events }
}
