import { desc, eq } from 'drizzle-orm'
import { toldAnswering } from '../../contract/answering.ts'
import type { ChatSnapshot } from '../../contract/live.ts'
import type { Database } from '../../db/open.ts'
import { branches, chats, read_cursors } from '../../db/schema.ts'
import { answeringOf } from './answering-store.ts'
import { History } from './history.ts'
import { HistoryStore } from './history-store.ts'
import { branchOf, chatOf, isoTime } from './rows.ts'

export type SnapshotLimits = { messages: number; branches: number; readCursors: number }

/** Chats as of one `seq`, deleted ones too. */
export class SnapshotStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async read(chatId: string, limits: SnapshotLimits): Promise<ChatSnapshot | undefined> {
    return this.#database.snapshot(async (view) => {
      const { orm } = view
      const [row] = await orm.select().from(chats).where(eq(chats.id, chatId))
      if (row === undefined) return undefined
      const chat = chatOf(row)
      const newest = await orm
        .select()
        .from(branches)
        .where(eq(branches.chat_id, chatId))
        .orderBy(desc(branches.created_at), desc(branches.id))
        .limit(limits.branches)
      const [active] = newest.some(({ id }) => id === chat.active_branch_id)
        ? []
        : await orm.select().from(branches).where(eq(branches.id, chat.active_branch_id))
      const cursors = await orm
        .select()
        .from(read_cursors)
        .where(eq(read_cursors.chat_id, chatId))
        .orderBy(desc(read_cursors.updated_at))
        .limit(limits.readCursors)
      const history = new History(new HistoryStore(view))
      return {
        chat,
        branches: [...newest, ...(active ? [active] : [])].reverse().map(branchOf),
        messages: await history.page(chat.active_branch_id, { from: 'end', limit: limits.messages }),
        answering: toldAnswering(await answeringOf(orm, chatId)),
        read_cursors: Object.fromEntries(
          cursors.map(({ user_id, branch_id, position, updated_at }) => [
            user_id,
            { branch_id, position, updated_at: isoTime(updated_at) },
          ]),
        ),
      }
    })
  }
}
