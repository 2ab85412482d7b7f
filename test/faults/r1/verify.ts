import type { Database } from '../../../src/db/open.ts'
import type { Seen } from './clients.ts'
import type { Acknowledged } from './ledger.ts'

type Stored = { client_id: string; id: string; position: number; seq: number; content: string }

/** What is wrong with a chat, a line each: by its rows, by what the writers were told, and by what its reader saw. */
export async function faultsOf(
  database: Database,
  chatId: string,
  acknowledged: readonly Acknowledged[],
  seen: readonly Seen[],
): Promise<string[]> {
  const { sql } = database
  const stored = await sql<Stored[]>`
    SELECT client_id, id, position, seq::int, content FROM messages WHERE chat_id = ${chatId} ORDER BY position`
  const events = await sql<{ seq: number }[]>`SELECT seq::int FROM events WHERE chat_id = ${chatId} ORDER BY seq`
  const [chat] = await sql<{ last_seq: number; head: number }[]>`
    SELECT last_seq::int, head FROM chats JOIN branches USING (id) WHERE chats.id = ${chatId}`
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
  expect(new Set(stored.map(({ client_id }) => client_id)).size === stored.length, 'a client_id is stored twice')
  const byClient = new Map(stored.map((message) => [message.client_id, message]))
  for (const told of acknowledged) {
    const kept = byClient.get(told.clientId)
    expect(kept !== undefined, `${told.content} was acknowledged and is lost`)
    const same = kept?.id === told.id && kept.position === told.position && kept.seq === told.seq
    expect(same && kept.content === told.content, `${told.content} is not what was acknowledged`)
  }
  // Each writer posts a message until it is acknowledged: what is there beyond those came twice under another id.
  expect(stored.length === acknowledged.length, `${stored.length} stored, ${acknowledged.length} acknowledged`)
  expect(
    isDense(
      seen.map(({ seq }) => seq),
      chat?.last_seq,
    ),
    'the reader missed events or saw some twice',
  )
  const told = seen.flatMap(({ messageId }) => messageId ?? [])
  expect(told.join() === stored.map(({ id }) => id).join(), 'the reader saw other messages, or in another order')
  return faults
}

/** Whether these are 1, 2, 3 … up to `last`. */
function isDense(numbers: readonly number[], last: number | undefined): boolean {
  return numbers.length === last && numbers.every((number, index) => number === index + 1)
}
