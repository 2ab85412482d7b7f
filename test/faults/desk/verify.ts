import { ChatEvent } from '../../../src/contract/events.ts'
import { SupportMessage } from '../../../src/contract/support.ts'
import type { Database } from '../../../src/db/open.ts'
import type { LiveReader } from '../rig/live-reader.ts'
import { logOf } from '../rig/stored.ts'
import type { Agent } from './agent.ts'
import { type Customer, LIMIT, NOTE } from './people.ts'

type Row = { id: string; client_id: string; content: string }

/** What is stored of one session. */
type Stored = { rows: Row[]; log: Awaited<ReturnType<typeof logOf>>; events: ChatEvent[] }

/** What a customer reads of its session by every door but the socket. The servers still run. */
export async function readAll({
  speaker: { client, id },
  sessionId,
}: Customer): Promise<{ said: SupportMessage[]; texts: string[] }> {
  const paths = [
    `/api/v1/sessions/${sessionId}/messages?limit=1000`,
    `/api/v1/sessions/${sessionId}`,
    `/api/v1/users/${encodeURIComponent(id)}/sessions`,
    `/api/chats/${sessionId}/events?limit=1000`,
  ]
  const answers = await Promise.all(paths.map(async (path) => (await client.ask({ path })).answer))
  return { said: SupportMessage.array().parse(answers[0]), texts: answers.map((answer) => JSON.stringify(answer)) }
}

/** What is wrong, a line each, once the servers have ended. */
export async function verifyDesk(
  database: Database,
  customers: readonly Customer[],
  agents: readonly Agent[],
  read: readonly Awaited<ReturnType<typeof readAll>>[],
): Promise<string[]> {
  const faults = agents.flatMap((agent) => agent.faults)
  for (const [index, customer] of customers.entries()) {
    const stored = await storedOf(database, customer.sessionId)
    faults.push(...customer.reader.faultsBy(stored.log))
    faults.push(...lost(stored, customer, agents, read[index]?.said ?? []))
    faults.push(...claimed(stored, customer.sessionId, agents))
    const readers = agents.flatMap((agent) => agent.readers.map((reader) => ({ reader, agentId: agent.speaker.id })))
    for (const { reader, agentId } of readers)
      if (reader.chatId === customer.sessionId) faults.push(...toldTooMuch(stored, reader, agentId))
    const told = [...customer.told, ...(read[index]?.texts ?? [])]
    if (told.some((text) => text.includes(NOTE))) faults.push('a customer was told of a note')
  }
  const { sql } = database
  const [notes] = await sql<{ count: number }[]>`SELECT count(*)::int FROM support_notes`
  const written = agents.reduce((sum, agent) => sum + agent.notes, 0)
  if (notes?.count !== written) faults.push(`${notes?.count} notes are stored, ${written} were acknowledged`)
  const [leaked] = await sql<{ count: number }[]>`
    SELECT (SELECT count(*) FROM events WHERE data::text LIKE ${`%${NOTE}%`})::int
      + (SELECT count(*) FROM messages WHERE content LIKE ${`%${NOTE}%`})::int AS count`
  if (leaked?.count !== 0) faults.push('a note is in a chat')
  const held = await sql<{ agent_id: string; count: number }[]>`
    SELECT agent_id, count(*)::int FROM chats WHERE handling = 'people' AND agent_id IS NOT NULL GROUP BY 1`
  for (const { count } of held) if (count > LIMIT) faults.push(`an agent has ${count} sessions at the end`)
  return faults
}

async function storedOf(database: Database, chatId: string): Promise<Stored> {
  const { sql } = database
  const rows = await sql<Row[]>`SELECT id, client_id, content FROM messages WHERE chat_id = ${chatId} ORDER BY position`
  const events = await sql<object[]>`
    SELECT chat_id, seq::int, type, data, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
    FROM events WHERE chat_id = ${chatId} ORDER BY seq`
  return { rows, log: await logOf(database, chatId), events: ChatEvent.array().parse(events) }
}

/** What was acknowledged is there once, what is there was acknowledged, and the customer's list is the log. */
function lost(
  { rows, log }: Stored,
  { sessionId, speaker }: Customer,
  agents: readonly Agent[],
  list: readonly SupportMessage[],
): string[] {
  const faults: string[] = []
  const said = [speaker, ...agents.map((agent) => agent.speaker)]
    .flatMap((one) => one.said)
    .filter((message) => message.sessionId === sessionId)
  const byId = new Map(rows.map((row) => [row.id, row]))
  for (const { id, clientId, content } of said) {
    const row = byId.get(id)
    if (row?.client_id !== clientId || row.content !== content) faults.push(`${content} was acknowledged and is lost`)
  }
  if (rows.length !== said.length) faults.push(`${rows.length} messages are stored, ${said.length} were acknowledged`)
  const told = log.flatMap(({ messageId }) => messageId ?? []).join()
  if (list.map(({ id }) => id).join() !== told) faults.push("a customer's list is not the log")
  return faults
}

/** Every claim that was acknowledged took the session out of the queue, and no two took it at once. */
function claimed({ events }: Stored, sessionId: string, agents: readonly Agent[]): string[] {
  const taken: string[] = []
  let waits = false
  for (const event of events) {
    if (event.type !== 'support.updated') continue
    const { waiting_since, agent_id } = event.data
    if (waits && waiting_since === null && agent_id !== null) taken.push(`${agent_id} ${event.at}`)
    waits = waiting_since !== null
  }
  const claims = agents
    .flatMap((agent) => agent.claims)
    .filter((claim) => claim.sessionId === sessionId)
    .map(({ agentId, at }) => `${agentId} ${at}`)
  return claims.flatMap((claim) => {
    const index = taken.indexOf(claim)
    if (index === -1) return ['a claim was acknowledged, and somebody else has the session']
    taken.splice(index, 1)
    return []
  })
}

/** What an agent saw begins as the log does, and ends with what took the session away. */
function toldTooMuch({ log, events }: Stored, { seen }: LiveReader, agentId: string): string[] {
  const text = (list: typeof log) => list.map(({ seq, messageId }) => `${seq}${messageId}`).join()
  if (text(seen) !== text(log.slice(0, seen.length))) return ["an agent's list is not the log"]
  const last = seen.at(-1)?.seq ?? 0
  const before = events.findLast((event) => event.type === 'support.updated' && event.seq < last)
  if (before?.type !== 'support.updated') return []
  const { agent_id, waiting_since } = before.data
  return agent_id === agentId || waiting_since !== null ? [] : ['an agent was told of what is not its own']
}
