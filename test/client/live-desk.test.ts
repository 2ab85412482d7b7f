import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { DeskWatch } from '../../client/src/desk-watch.ts'
import type { DeskFrame } from '../../src/contract/support-feed.ts'
import { testDatabases } from '../support/database.ts'
import { until } from '../support/wait.ts'
import { failureOf, type LiveGround, openLiveGround, recorded } from './live-ground.ts'

setDefaultTimeout(60_000)

const SERVICE = { kind: 'service' } as const

/** Reads on until the desk is told to be so. */
class Told {
  readonly #frames: AsyncGenerator<DeskFrame, void, void>

  constructor(watch: DeskWatch) {
    this.#frames = watch[Symbol.asyncIterator]()
  }

  async queue(ids: string[]): Promise<void> {
    await this.#until((frame) => frame.type === 'desk.queue' && isOf(frame.sessions, ids))
  }

  async sessions(ids: string[]): Promise<void> {
    await this.#until((frame) => frame.type === 'desk.sessions' && isOf(frame.sessions, ids))
  }

  async note(content: string): Promise<void> {
    await this.#until((frame) => frame.type === 'desk.note' && frame.note.content === content)
  }

  async end(): Promise<void> {
    await this.#frames.return()
  }

  async #until(wanted: (frame: DeskFrame) => boolean): Promise<void> {
    while (true) {
      const { value } = await this.#frames.next()
      if (!value) throw new Error('The watch has ended.')
      if (wanted(value)) return
    }
  }
}

const isOf = (sessions: readonly { id: string }[], ids: string[]) => sessions.map(({ id }) => id).join() === ids.join()

for (const { kind, open } of testDatabases()) {
  describe(`the support desk for the live client, on ${kind}`, () => {
    let ground: LiveGround
    beforeAll(async () => {
      ground = await openLiveGround(open)
      const { server, bob } = ground.people
      await server.accounts.amend(SERVICE, bob.user.id, { role: 'agent' })
    })
    afterEach(async () => {
      ground.calm()
      const { supportDesk, support } = ground.people.server
      const { sessions } = await supportDesk.queue(SERVICE, { limit: 100, offset: 0 })
      for (const { id } of sessions) await support.end(SERVICE, id)
    })
    afterAll(() => ground.close())

    const agent = () => ground.people.bob
    const waiting = async () =>
      (await ground.people.server.support.create(SERVICE, { user_id: crypto.randomUUID() })).id
    const act = (id: string, what: string, body: object = {}) => agent().send(`/api/v1/sessions/${id}/${what}`, body)

    test('an agent is told of it as it is, and as it changes', async () => {
      const first = await waiting()
      const told = new Told(ground.connect({}, agent()).watchDesk())
      await told.queue([first])
      const second = await waiting()
      await told.queue([first, second])
      await act(first, 'claim')
      await told.sessions([first])
      await act(first, 'notes', { content: 'VIP.' })
      await told.note('VIP.')
      await act(first, 'end')
      await told.sessions([])
    })

    test('it goes on through lost connections, with what has changed meanwhile', async () => {
      const live = ground.connect({}, agent())
      const told = new Told(live.watchDesk())
      await told.queue([])
      ground.line.down()
      await until(() => live.status.getSnapshot() === 'connecting')
      const id = await waiting()
      ground.line.mend()
      await told.queue([id])
    })

    test('several loops share one watch, which ends with the last, and begins again', async () => {
      const record = recorded()
      const live = ground.connect({ WebSocket: record.WebSocket }, agent())
      const [one, other] = [new Told(live.watchDesk()), new Told(live.watchDesk())]
      await one.queue([])
      // It is told of what was told before it came.
      await other.queue([])
      expect(record.sent('watch_desk')).toBe(1)
      await one.end()
      const id = await waiting()
      await other.queue([id])
      expect(record.sent('unwatch_desk')).toBe(0)
      await other.end()
      await until(() => record.sent('unwatch_desk') === 1)
      await new Told(live.watchDesk()).queue([id])
      expect(record.sent('watch_desk')).toBe(2)
    })

    test('who reads slowly is told of the newest alone, and misses no note', async () => {
      const live = ground.connect({}, agent())
      const slow = live.watchDesk()[Symbol.asyncIterator]()
      const told = new Told(live.watchDesk())
      const first = slow.next()
      await told.sessions([])
      await first
      const id = await waiting()
      await told.queue([id])
      await act(id, 'claim')
      await told.sessions([id])
      for (const content of ['One', 'Two']) {
        await act(id, 'notes', { content })
        await told.note(content)
      }
      const more = await waiting()
      await told.queue([more])
      await act(id, 'end')
      await told.sessions([])
      const frames: DeskFrame[] = []
      while (frames.length < 4) {
        const { value } = await slow.next()
        if (value) frames.push(value)
      }
      const heldIn = (type: DeskFrame['type']) =>
        frames.flatMap((frame) =>
          frame.type === type && 'sessions' in frame ? frame.sessions.map((one) => one.id) : [],
        )
      expect({ queue: heldIn('desk.queue'), own: heldIn('desk.sessions') }).toEqual({ queue: [more], own: [] })
      expect(frames.flatMap((frame) => (frame.type === 'desk.note' ? frame.note.content : []))).toEqual(['One', 'Two'])
    })

    test('others are refused, and a closed one just ends', async () => {
      const told = new Told(ground.connect().watchDesk())
      expect(await failureOf(told.queue([]))).toMatchObject({ reason: 'forbidden' })
      const live = ground.connect({}, agent())
      const watch = live.watchDesk()
      const all = (async () => {
        for await (const _ of watch) live.close()
      })()
      await all
      for await (const _ of live.watchDesk()) throw new Error('It is closed.')
    })
  })
}
