import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { migrate } from '../../../src/db/migrate.ts'
import { type Database, openDatabase } from '../../../src/db/open.ts'
import { ChatStore } from '../../../src/domain/chats/chat-store.ts'
import { ForkStore } from '../../../src/domain/chats/fork-store.ts'
import { HistoryStore } from '../../../src/domain/chats/history-store.ts'
import { DeskStore } from '../../../src/domain/desk/desk-store.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'
import { fill, type Place, scansOf } from './scans.ts'

setDefaultTimeout(60_000)

/** What a hot path may look at: its result, and a few rows of this and that. Far from a chat, let alone a table. */
const ENTRIES_MAX = 400

type Path = [name: string, indexes: string[], work: () => Promise<unknown>]
type Actor = Awaited<ReturnType<typeof newActor>>

/** The hot paths: the indexes that each must use, and the work. */
function hotPaths(world: ChatWorld, actor: Actor, { chatId, messageId, branchId }: Place): Path[] {
  const reads = new HistoryStore(world.database)
  const store = new ChatStore(world.database)
  const forks = new ForkStore(world.database)
  const desk = new DeskStore(world.database)
  const session = { owner: '', id: 'desk-1' }
  const nested = { messages: 20, offset: 0, bytes: 1_000_000 }
  const page = (from: 'before' | 'after' | 'around', position: number) =>
    world.messages.page(actor, chatId, chatId, { from, position, limit: 50 })
  const stretches = [
    { branchId: chatId, low: 50, high: 60 },
    { branchId, low: 19_101, high: 19_109 },
  ]
  const post = (more: { client_id?: string; branch_id?: string } = {}) =>
    world.messages.post(actor, chatId, { content: 'hot', ...more })
  const visitor = { kind: 'visitor', userId: 'customer', name: null, metadata: {}, generation: 0 } as const
  return [
    [
      "a visitor's post",
      ['chats_pkey', 'visitor_revocations_pkey'],
      () => world.messages.post(visitor, chatId, { content: 'hot' }),
    ],
    ['a post', ['chats_pkey', 'users_pkey'], () => post()],
    ['a post with a client_id', ['messages_client_id_key'], () => post({ client_id: crypto.randomUUID() })],
    ['a post to a branch that is named', ['chats_pkey', 'users_pkey'], () => post({ branch_id: chatId })],
    ['the newest page', ['messages_branch_position_key'], () => reads.newest(chatId, 2_000_000_000, 50)],
    ['an older page', ['messages_branch_position_key'], () => page('before', 9000)],
    ['a newer page', ['messages_branch_position_key'], () => page('after', 9000)],
    ['the page around a message', ['messages_branch_position_key'], () => page('around', 9000)],
    ['a page over forks', ['messages_branch_position_key'], () => reads.stretches(stretches)],
    ['a page with reactions', ['messages_branch_position_key'], () => reads.newest(chatId, 15_000, 50)],
    ['a line of branches', ['branches_pkey'], () => reads.ancestry(branchId)],
    ['the siblings of a message', ['branches_fork_index'], () => reads.siblings(chatId, 19_101, 200)],
    ['one message', ['messages_pkey'], () => reads.message(messageId)],
    ['who may open a chat', ['chats_pkey'], () => store.doors(chatId)],
    [
      "an account's chats",
      ['chats_owner_updated_index'],
      () => store.ownedBy(actor.accountId, { skip: 0, limit: 20, archived: false }),
    ],
    ['which watched chats have grown', ['chats_pkey'], () => world.log.grown([{ chatId, seq: 3 }])],
    ['the log after an event', ['events_pkey'], () => world.log.read(chatId, 15_000, 100)],
    ['where branches begin', ['branches_fork_index'], () => forks.at([messageId])],
    ['an edit', ['messages_pkey'], () => world.messages.edit(actor, chatId, messageId, crypto.randomUUID())],
    ['a reaction', ['message_extensions_reaction_key'], () => world.messages.react(actor, chatId, messageId, '🎉')],
    [
      'a branch',
      ['messages_pkey', 'branches_chat_id_id_key'],
      () => world.branches.create(actor, chatId, { messageId }),
    ],
    [
      'a divergence',
      ['messages_pkey', 'branches_chat_id_id_key'],
      () => world.branches.diverge(actor, chatId, messageId, { content: 'x' }),
    ],
    ['the chat of a desk session', ['chats_external_id_key'], () => desk.chat(session)],
    [
      'a desk session',
      ['chats_external_id_key', 'branches_pkey', 'messages_branch_position_key'],
      () => desk.find(session, nested),
    ],
    [
      'an older part of a desk session',
      ['chats_external_id_key', 'messages_branch_position_key'],
      () => desk.find(session, { ...nested, offset: 9000 }),
    ],
    [
      'a list of desk sessions',
      ['chats_external_created_index', 'messages_branch_position_key'],
      () => desk.list('', { limit: 10, offset: 5 }, nested),
    ],
    ['a read cursor', ['read_cursors_pkey'], () => world.messages.moveReadCursor(actor, chatId, messageId)],
  ]
}

for (const { kind, place } of testDatabases()) {
  describe.each(['filled first', 'used while empty, then filled'] as const)(`on ${kind}, %s,`, (order) => {
    let database: Database
    let remove: () => Promise<void>
    let paths: Path[]
    beforeAll(async () => {
      const placed = await place()
      remove = placed.remove
      const { target } = placed
      database = await openDatabase(target.kind === 'postgres' ? { ...target, poolSize: 1 } : target)
      await migrate(database)
      const world = await chatWorld({ ...database, target })
      const actor = await newActor(world.database)
      if (order !== 'filled first') await use(world, actor)
      const big = await fill(database, actor.accountId)
      // Else the tables are as autovacuum finds them: with the plans of empty ones, and no statistics.
      if (order === 'filled first') await database.sql`ANALYZE`
      paths = hotPaths(world, actor, big)
      for (const [, , work] of paths) for (let time = 0; time < 6; time += 1) await work()
    })
    afterAll(async () => {
      await database.close()
      await remove()
    })

    /** As often as a plan needs to be made for good. */
    async function use(world: ChatWorld, actor: Actor): Promise<void> {
      const { id: chatId } = await world.chats.create(actor, { title: 'Empty' })
      await database.sql`UPDATE chats SET customer_id = 'customer', handling = 'people' WHERE id = ${chatId}`
      const { id: messageId } = await world.messages.post(actor, chatId, { content: 'first' })
      const early = hotPaths(world, actor, { chatId, messageId, branchId: chatId })
      for (let time = 0; time < 8; time += 1) for (const [, , work] of early) await work()
    }

    test('every hot path keeps to its indexes, and to a few of their entries', async () => {
      const found: Record<string, unknown> = {}
      for (const [name, indexes, work] of paths) {
        const scans = await scansOf(database, work)
        const missing = indexes.filter((index) => !scans.indexes.includes(index))
        if (scans.whole.length > 0 || missing.length > 0 || scans.entries > ENTRIES_MAX) found[name] = scans
      }
      expect(found).toEqual({})
    })
  })

  test(`on ${kind}, a post keeps to look-ups by key also where its plan was made when there was one chat`, async () => {
    const { target, remove } = await place()
    const database = await openDatabase(target.kind === 'postgres' ? { ...target, poolSize: 1 } : target)
    await migrate(database)
    const world = await chatWorld({ ...database, target })
    const actor = await newActor(world.database)
    const { id } = await world.chats.create(actor, { title: 'The first' })
    const post = (more: object) => world.messages.post(actor, id, { content: 'hot', ...more })
    const kinds = [{}, { client_id: crypto.randomUUID() }, { branch_id: id }]
    for (const more of kinds) await post(more)
    await database.sql`ANALYZE`
    for (const more of kinds) await post(more)
    // One after the other: all at once are given up on where the machine is busy.
    for (let made = 0; made < 300; made += 1) await world.chats.create(actor, { title: 'One of many' })
    for (const more of kinds) {
      const { entries } = await scansOf(database, () => post(more))
      expect({ more, isFew: entries < 100 }).toEqual({ more, isFew: true })
    }
    await database.close()
    await remove()
  })
}
