import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { DemoAnswerer } from '../../../src/adapters/answerers/demo.ts'
import { TEST_SECRET } from '../../support/accounts.ts'
import { startServer, type TestServer } from '../../support/app.ts'
import type { OpenedDatabase } from '../../support/database.ts'
import { upload } from '../../support/files.ts'
import { PASSWORD, type Person, signUp } from '../../support/person.ts'

export const SERVICE_KEY = 'the-key-of-a-trusted-back-end-that-is-long'

/** Who calls. The chat and the session of a cell are the owner's; `other` and `agent` have nothing to do with it. */
export const CALLERS = [
  'anonymous',
  'expired',
  'owner',
  'other',
  'agent',
  'admin',
  'service',
  'visitor',
  'customer',
] as const
export type Caller = (typeof CALLERS)[number]

/** What a cell's call is about, made for it alone: by the name of its place in a path or an input. */
export type Things = {
  chat_id: string
  message_id: string
  branch_id: string
  session_id: string
  file_id: string
  /** Waits in the queue, is the owner's, and has a message of the owner's. */
  waiting_id: string
  waiting_message_id: string
  /** The same, held by the agent. */
  held_id: string
  held_message_id: string
  agent_id: string
  /** The owner, as the customer of those. */
  customer_id: string
  /** An attachment of the message that is held. */
  extension_id: string
  reaction: string
  account_id: string
  name: string
  /** Of the visitor. */
  user_id: string
  /** Of the caller's own account; of the owner's, where the caller has none. */
  refresh_token: string
  username: string
  password: string
}

type People = Record<'owner' | 'other' | 'agent' | 'admin', Person> & {
  visitor: Guest
  /** A visitor as well, whom the embedding product calls by the id of the owner: a customer of the same sessions. */
  customer: Guest
}

type Guest = { userId: string; headers: { authorization: string } }

export async function startClosedServer(database: OpenedDatabase): Promise<TestServer> {
  return startServer({
    database,
    answerer: new DemoAnswerer(),
    env: {
      SERVICE_API_KEY: SERVICE_KEY,
      JWT_SECRET: TEST_SECRET,
      PUBLIC_APIS: ',',
      SUPPORT_SESSIONS_PER_AGENT: '1000',
    },
  })
}

/** New ones, for a row whose calls end accounts. */
export async function openPeople(server: TestServer): Promise<People> {
  const [owner, other, agent, admin] = await Promise.all(
    ['owner', 'other', 'agent', 'admin'].map((name) => signUp(server, name)),
  )
  if (!(owner && other && agent && admin)) throw new Error('Somebody did not sign up.')
  await server.accounts.amend({ kind: 'service' }, agent.user.id, { role: 'agent' })
  await server.accounts.amend({ kind: 'service' }, admin.user.id, { role: 'admin' })
  const [visitor, customer] = [await admitted(server), await admitted(server, owner.user.id)]
  return { owner, other, agent, admin, visitor, customer }
}

async function admitted(server: TestServer, userId = `customer-${crypto.randomUUID()}`): Promise<Guest> {
  const { token } = await server.accounts.visitors.admit({ kind: 'service' }, { user_id: userId })
  return { userId, headers: { authorization: `Bearer ${token}` } }
}

export async function headersOf(caller: Caller, people: People): Promise<Record<string, string>> {
  switch (caller) {
    case 'anonymous':
      return {}
    case 'service':
      return { 'x-api-key': SERVICE_KEY }
    case 'expired': {
      const { access_token } = people.owner
      const header = { alg: 'HS256', ...decodeProtectedHeader(access_token) }
      const claims = { ...decodeJwt(access_token), exp: Math.floor(Date.now() / 1000) - 3600 }
      const token = await new SignJWT(claims).setProtectedHeader(header).sign(new TextEncoder().encode(TEST_SECRET))
      return { authorization: `Bearer ${token}` }
    }
    default:
      return people[caller].headers
  }
}

/** Those of the things that are `wanted`, and what they need; the others have a name that is nobody's. */
export async function thingsFor(
  server: TestServer,
  caller: Caller,
  people: People,
  wanted: ReadonlySet<string>,
): Promise<Things> {
  const { owner } = people
  const own = caller === 'other' || caller === 'agent' || caller === 'admin' ? people[caller] : owner
  return {
    ...(await chatFor(server, owner, wanted)),
    session_id: wanted.has('session_id') ? await sessionFor(server, owner) : UNWANTED,
    file_id: wanted.has('file_id') ? (await upload(owner, 'secret.txt', 'secret')).id : UNWANTED,
    ...(await supportFor(server, people, wanted)),
    reaction: 'like',
    account_id: people.other.user.id,
    name: 'swagger-ui.js',
    user_id: people.visitor.userId,
    refresh_token: own.refresh_token,
    username: own.user.username,
    password: PASSWORD,
  }
}

/** A call that uses what it does not want would show in its answer. */
const UNWANTED = 'unwanted'

const actorOf = ({ user }: Person) => ({ kind: 'account', accountId: user.id, role: 'user', loginId: null }) as const

/** A question with an answer, and a branch there. */
async function chatFor(server: TestServer, owner: Person, wanted: ReadonlySet<string>) {
  const nothing = { chat_id: UNWANTED, message_id: UNWANTED, branch_id: UNWANTED }
  if (!Object.keys(nothing).some((name) => wanted.has(name))) return nothing
  const actor = actorOf(owner)
  const { chats, messages, branches } = server.chats
  const { id: chat_id } = await chats.create(actor, { title: 'Secret' })
  await messages.post(actor, chat_id, { content: 'question' })
  const answer = { content: 'answer', senderType: 'assistant', senderId: owner.user.id } as const
  const { id: message_id } = await messages.append(actor, chat_id, answer)
  const { id: branch_id } = await branches.create(actor, chat_id, { messageId: message_id })
  return { chat_id, message_id, branch_id }
}

/** The same name for a session of the desk and one that expires. */
async function sessionFor(server: TestServer, owner: Person): Promise<string> {
  const session_id = crypto.randomUUID()
  await server.desk.create({ owner: owner.user.id, actor: actorOf(owner) }, { id: session_id, title: 'Secret' })
  await owner.send(`/v1/chat/sessions/${session_id}/messages`, { role: 'user', content: 'question' })
  return session_id
}

/** Sessions of support with the owner as their customer: one waits, the agent holds the other. */
async function supportFor(server: TestServer, { owner, agent }: People, wanted: ReadonlySet<string>) {
  const made = async (name: 'waiting' | 'held', agent_id: string | null) => {
    if (![`${name}_id`, `${name}_message_id`].some((thing) => wanted.has(thing)))
      return { id: UNWANTED, messageId: UNWANTED }
    const { id } = await server.support.create({ kind: 'service' }, { user_id: owner.user.id, agent_id })
    const said = { content: 'question', sender_type: 'user', sender_id: owner.user.id } as const
    return { id, messageId: (await server.support.post(actorOf(owner), id, said)).id }
  }
  const waiting = await made('waiting', null)
  const held = await made('held', agent.user.id)
  return {
    waiting_id: waiting.id,
    waiting_message_id: waiting.messageId,
    held_id: held.id,
    held_message_id: held.messageId,
    customer_id: owner.user.id,
    agent_id: agent.user.id,
    extension_id: wanted.has('extension_id') ? await extensionFor(server, owner, held.messageId) : UNWANTED,
  }
}

async function extensionFor(server: TestServer, owner: Person, messageId: string): Promise<string> {
  const { extensions } = server.chats
  const data = { url: 'https://example.com/', name: 'Example', type: null, size: null }
  return (await extensions.add({ actor: actorOf(owner), isAnybody: false }, messageId, { type: 'attachment', data })).id
}
