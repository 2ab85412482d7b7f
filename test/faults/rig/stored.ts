import type { Database } from '../../../src/db/open.ts'
import type { Acknowledged } from './ledger.ts'

type Stored = { client_id: string; id: string; position: number; seq: number; content: string }

/** An event of a chat's log: its `seq`, and the message where it tells of a new one. */
export type Logged = { seq: number; messageId: string | undefined }

/** The whole log of a chat, as it is stored. */
export async function logOf({ sql }: Database, chatId: string): Promise<Logged[]> {
  const rows = await sql<{ seq: number; message_id: string | null }[]>`
    SELECT seq::int, CASE WHEN type = 'message.created' THEN data->>'id' END AS message_id
    FROM events WHERE chat_id = ${chatId} ORDER BY seq`
  return rows.map(({ seq, message_id }) => ({ seq, messageId: message_id ?? undefined }))
}

/**
 * What is wrong with a chat, a line each: by its rows, and by what the writers were told. `unanswered`: posts that may be
 * there, or not.
 */
export async function faultsOf(
  database: Database,
  chatId: string,
  acknowledged: readonly Acknowledged[],
  unanswered = 0,
): Promise<string[]> {
  const { sql } = database
  const stored = await sql<Stored[]>`
    SELECT client_id, id, position, seq::int, content FROM messages WHERE chat_id = ${chatId} ORDER BY position`
  const [chat] = await sql<{ last_seq: number; head: number }[]>`
    SELECT last_seq::int, head FROM chats JOIN branches USING (id) WHERE chats.id = ${chatId}`
  const events = await logOf(database, chatId)
  const faults: string[] = []
  const expect = (holds: boolean, fault: string) => holds || faults.push(`${chatId}: ${fault}`)

  expect(
    isDense(
      stored.map(({ position }) => position),
      chat?.head,
    ),
    'positions have gaps or come twice',
  )
  expect(
    isDense(
      events.map(({ seq }) => seq),
      chat?.last_seq,
    ),
    'seqs have gaps or come twice',
  )
  const told = events.flatMap(({ messageId }) => messageId ?? [])
  expect(told.join() === stored.map(({ id }) => id).join(), 'the log tells of other messages, or in another order')
  expect(new Set(stored.map(({ client_id }) => client_id)).size === stored.length, 'a client_id is stored twice')
  const byClient = new Map(stored.map((message) => [message.client_id, message]))
  for (const message of acknowledged) {
    const kept = byClient.get(message.clientId)
    expect(kept !== undefined, `${message.content} was acknowledged and is lost`)
    const same = kept?.id === message.id && kept.position === message.position && kept.seq === message.seq
    expect(same && kept.content === message.content, `${message.content} is not what was acknowledged`)
  }
  // Each writer posts a message until it is acknowledged: what is there beyond those came twice under another id.
  const beyond = stored.length - acknowledged.length
  expect(beyond >= 0 && beyond <= unanswered, `${stored.length} stored, ${acknowledged.length} acknowledged`)
  return faults
}

/** Whether these are 1, 2, 3 … up to `last`. */
function isDense(numbers: readonly number[], last: number | undefined): boolean {
  return numbers.length === last && numbers.every((number, index) => number === index + 1)
}
