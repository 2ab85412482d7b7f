import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { MemoryBus } from '../../../src/adapters/memory/bus.ts'
import type { Database } from '../../../src/db/open.ts'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import { ChatLog, chatChannel, eventText } from '../../../src/domain/chats/log.ts'
import { type LoggedEvent, LogStore } from '../../../src/domain/chats/log-store.ts'
import { Refusal } from '../../../src/domain/refusal.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'
import { RecordingBus } from '../../support/recording-bus.ts'
import { until } from '../../support/wait.ts'
import { reasonOf } from './appending.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`the log on ${kind}`, () => {
    let world: ChatWorld
    let ada: Actor
    beforeAll(async () => {
      const database = await open()
      world = await chatWorld(database)
      ada = await newActor(database)
    })
    afterAll(() => world.database.close())

    /** A chat whose events are 1 to `last`: it, its root branch, and messages. */
    async function chatWith(last: number): Promise<string> {
      const { id } = await world.chats.create(ada, { title: 'Talk' })
      for (let seq = 3; seq <= last; seq += 1) await world.messages.post(ada, id, { content: `${seq}` })
      return id
    }
    const age = (chatId: string, seqs: number[], days: number) =>
      world.database.sql`UPDATE events SET at = now() - make_interval(days => ${days})
        WHERE chat_id = ${chatId} AND seq IN ${world.database.sql(seqs)}`
    const read = async (chatId: string, after: number, limit = 100) => {
      const { events, complete } = await world.log.read(chatId, after, limit)
      return { seqs: events.map(({ seq }) => seq), complete }
    }

    test('is read on from any event, in parts of any size', async () => {
      const id = await chatWith(6)
      expect(await read(id, 0)).toEqual({ seqs: [1, 2, 3, 4, 5, 6], complete: true })
      expect(await read(id, 2, 2)).toEqual({ seqs: [3, 4], complete: true })
      expect(await read(id, 5)).toEqual({ seqs: [6], complete: true })
      expect(await read(id, 6)).toEqual({ seqs: [], complete: true })
    })

    test('a cursor past its end, or of a chat that is not there, is not complete', async () => {
      const id = await chatWith(3)
      expect(await read(id, 4)).toEqual({ seqs: [], complete: false })
      expect(await read(Bun.randomUUIDv7(), 0)).toEqual({ seqs: [], complete: false })
    })

    test('forgets what is older than its retention, and says so to readers that miss some of it', async () => {
      const id = await chatWith(7)
      await age(id, [1, 2, 3], 31)
      await age(id, [4], 29)
      expect(await world.log.retain(30)).toBe(3)
      expect(await world.log.retain(30)).toBe(0)
      expect(await read(id, 3)).toEqual({ seqs: [4, 5, 6, 7], complete: true })
      expect((await read(id, 2)).complete).toBe(false)
      expect((await read(id, 0)).complete).toBe(false)
      expect((await world.messages.page(ada, id, id, { from: 'end', limit: 9 })).length).toBe(5)
      expect((await world.messages.post(ada, id, { content: 'next' })).seq).toBe(8)
    })

    test('of which nothing is left says so, and to a reader that had seen all that nothing is missing', async () => {
      const id = await chatWith(4)
      await age(id, [1, 2, 3, 4], 31)
      await world.log.retain(30)
      expect(await read(id, 3)).toEqual({ seqs: [], complete: false })
      expect(await read(id, 4)).toEqual({ seqs: [], complete: true })
    })

    test('with a hole in the middle, of events whose clock was behind, is not complete', async () => {
      const id = await chatWith(6)
      await age(id, [4], 31)
      await world.log.retain(30)
      expect((await read(id, 2)).complete).toBe(false)
      expect(await read(id, 4)).toEqual({ seqs: [5, 6], complete: true })
    })

    test('forgets more than one part at a time', async () => {
      const id = await chatWith(2)
      await world.database.sql`INSERT INTO events (chat_id, seq, type, data, at)
        SELECT ${id}, seq, 'chat.restored', '{}', now() - interval '40 days' FROM generate_series(3, 12003) AS seq`
      expect(await world.log.retain(30)).toBe(12_001)
      expect(await read(id, 0)).toEqual({ seqs: [1, 2], complete: true })
    })

    test('a reader at its end that races with a post misses nothing', async () => {
      const id = await chatWith(3)
      const store = new RacingStore(world.database)
      store.afterRead = async () => {
        await world.messages.post(ada, id, { content: 'meanwhile' })
      }
      const { events, complete } = await new ChatLog(store, new MemoryBus()).read(id, 3, 10)
      expect({ seqs: events.map(({ seq }) => seq), complete }).toEqual({ seqs: [4], complete: true })
    })

    test('is told again by a process that starts, on behalf of one that could not tell any more', async () => {
      const id = await chatWith(5)
      await world.database.sql`UPDATE events SET at = now() - interval '2 minutes' WHERE chat_id = ${id} AND seq < 4`
      const bus = new RecordingBus()
      const { log } = await chatWorld(world.database, bus)
      await log.retell()
      const { events } = await log.read(id, 3, 10)
      expect(bus.published(chatChannel(id))).toEqual(events.map((event) => `${event.seq} ${eventText(event)}`))
      expect(events).toHaveLength(2)
    })

    test('tells of what was committed after its caller was given up on', async () => {
      const id = await chatWith(2)
      const bus = new RecordingBus()
      let isLate = false
      const late = await chatWorld(
        {
          ...world.database,
          within(work) {
            const done = world.database.within(work)
            return isLate ? Promise.reject(new Refusal('storage_unavailable')) : done
          },
        },
        bus,
      )
      await late.chats.get(ada, id)
      isLate = true
      expect(await reasonOf(late.messages.post(ada, id, { content: 'late' }))).toBe('storage_unavailable')
      await until(() => bus.published(chatChannel(id)).length === 1, 'the post to be told')
      expect(await reasonOf(late.chats.update(ada, id, { title: 'Late' }))).toBe('storage_unavailable')
      await until(() => bus.published(chatChannel(id)).length === 2, 'the title to be told')
      expect((await read(id, 2)).seqs).toEqual([3, 4])
    })

    test('keeps the edits of a message in the order in which they were made, not in which they were asked for', async () => {
      const id = await chatWith(2)
      const { id: messageId } = await world.messages.post(ada, id, { content: 'draft' })
      const gate = Promise.withResolvers<void>()
      const within: Database['within'] = async (work) => {
        await gate.promise
        return world.database.within(work)
      }
      const slow = await chatWorld({ ...world.database, within })
      const asked = Date.now()
      const second = slow.messages.edit(ada, id, messageId, 'second')
      await until(() => Date.now() > asked, 'the next millisecond')
      await world.messages.edit(ada, id, messageId, 'first')
      gate.resolve()
      await second
      const said = (await world.messages.edits(ada, id, messageId)).map(({ content }) => content)
      expect(said).toEqual(['draft', 'first'])
      expect((await world.messages.get(ada, id, messageId)).content).toBe('second')
    })
  })
}

/** A log store that lets something happen between a read and its answer, once. */
class RacingStore extends LogStore {
  afterRead: (() => Promise<void>) | undefined

  override async read(chatId: string, after: number, limit: number): Promise<LoggedEvent[]> {
    const events = await super.read(chatId, after, limit)
    const race = this.afterRead
    this.afterRead = undefined
    await race?.()
    return events
  }
}
