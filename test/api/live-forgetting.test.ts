import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { LiveServerFrame } from '../../src/contract/live.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'
import { TestSocket } from '../support/socket.ts'
import { memoryStores } from '../support/stores.ts'

setDefaultTimeout(60_000)

/** A bus that loses what is published while it is deaf, and tells nobody. */
class DeafBus extends MemoryBus {
  deaf = false

  override async publish(channel: string, payload: string): Promise<void> {
    if (!this.deaf) await super.publish(channel, payload)
  }
}

for (const { kind, open } of testDatabases()) {
  describe(`a chat that forgets what nobody was told of, on ${kind}`, () => {
    const bus = new DeafBus()
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, { stores: { ...memoryStores(), bus } })
    })
    afterAll(() => people.close())

    test('begins anew for who watches and for who joins, and goes on without a gap', async () => {
      const { ada, database, server } = people
      const chat = (await (await ada.send('/api/chats', { title: 'Trip' })).json()) as { id: string }
      const post = async () => {
        const answer = await ada.send(`/api/chats/${chat.id}/messages`, { content: 'hello' })
        return ((await answer.json()) as { seq: number }).seq
      }
      const join = async (after: number) => {
        const socket = new TestSocket(`${server.ws}/api/live`, ada.headers)
        await socket.opened
        socket.send({ type: 'watch', id: '1', chat_id: chat.id, after })
        return { socket, seq: after, starts: 0 }
      }
      /** Reads on to an event: each is the one after the last, or after the chat as it was. */
      const readTo = async (reader: Awaited<ReturnType<typeof join>>, last: number) => {
        while (reader.seq < last) {
          const frame = LiveServerFrame.parse(await reader.socket.next())
          if (frame.type === 'watching') {
            reader.seq = frame.seq
            reader.starts += 1
          } else if ('at' in frame) {
            expect(frame.seq).toBe(reader.seq + 1)
            reader.seq = frame.seq
          }
        }
      }
      const readers = await Promise.all([0, 1, 2].map(join))
      for (const reader of readers) await readTo(reader, 2)
      for (let round = 0; round < 10; round += 1) {
        bus.deaf = true
        await Promise.all([post(), post(), post()])
        await database.sql`DELETE FROM events WHERE chat_id = ${chat.id}`
        bus.deaf = false
        // They come while the others begin anew.
        const [last, ...late] = await Promise.all([post(), ...[round, 1, 2].map(join)])
        readers.push(...late)
        for (const reader of readers) await readTo(reader, last)
      }
      expect(readers[0]?.starts).toBeGreaterThan(1)
      await Promise.all(readers.map(({ socket }) => socket.close()))
    })
  })
}
