import type { Database } from '../../../src/db/open.ts'
import { LogStore } from '../../../src/domain/chats/log-store.ts'

const RETENTION_DAYS = 30
const STEP = 5000

/** Has the log forget a chat's events up to this one, as the retention of an instance does. */
export async function forgetUpTo(database: Database, chatId: string, seq: number): Promise<void> {
  await database.sql`UPDATE events SET at = now() - interval '60 days' WHERE chat_id = ${chatId} AND seq <= ${seq}`
  const log = new LogStore(database)
  while ((await log.forget(RETENTION_DAYS, STEP)) === STEP);
}

/** The messages of a chat as its events told of them: by `seq`. */
export async function toldMessages({ sql }: Database, chatId: string): Promise<{ seq: number; messageId: string }[]> {
  const rows = await sql<{ seq: number; id: string }[]>`
    SELECT seq::int, id FROM messages WHERE chat_id = ${chatId} ORDER BY seq`
  return rows.map(({ seq, id }) => ({ seq, messageId: id }))
}
