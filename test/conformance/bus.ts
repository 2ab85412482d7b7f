import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { Bus, BusListener } from '../../src/domain/ports.ts'
import { until } from '../support/wait.ts'

export interface OpenBus {
  bus: Bus
  /** The same bus as another process has it; the same object where there is none. */
  peer: Bus
  close(): void
}

/** A listener that remembers. */
export function recorder(): BusListener & { heard: string[]; losses: number } {
  return {
    heard: [],
    losses: 0,
    message(payload) {
      this.heard.push(payload)
    },
    lost() {
      this.losses += 1
    },
  }
}

/** What the port `Bus` promises, for every adapter. */
export function busContract(name: string, open: () => Promise<OpenBus>): void {
  describe(`the bus: ${name}`, () => {
    let world: OpenBus
    beforeEach(async () => {
      world = await open()
    })
    afterEach(() => world.close())

    const channel = () => `channel:${crypto.randomUUID()}`

    /** Publishes a last payload and waits for it: all before it has been delivered then, in order. */
    const drain = async (where: string, listener: { heard: string[] }) => {
      const last = `last ${crypto.randomUUID()}`
      await world.peer.publish(where, last)
      await until(() => listener.heard.includes(last), 'the last payload')
      return listener.heard.filter((payload) => payload !== last)
    }

    test('delivers what is published after subscribe, in order, once', async () => {
      const where = channel()
      const listener = recorder()
      await world.bus.subscribe(where, listener)
      const payloads = Array.from({ length: 200 }, (_, index) => `payload ${index}`)
      await Promise.all(payloads.map((payload) => world.peer.publish(where, payload)))
      expect(await drain(where, listener)).toEqual(payloads)
      expect(listener.losses).toBe(0)
    })

    test('delivers any text unchanged', async () => {
      const where = channel()
      const listener = recorder()
      await world.bus.subscribe(where, listener)
      const payloads = ['', ' ', 'línea\n\r\0', '"🙂"', 'x'.repeat(300_000)]
      for (const payload of payloads) await world.peer.publish(where, payload)
      expect(await drain(where, listener)).toEqual(payloads)
    })

    test('keeps nothing for those who come later', async () => {
      const where = channel()
      await world.peer.publish(where, 'early')
      const listener = recorder()
      await world.bus.subscribe(where, listener)
      expect(await drain(where, listener)).toEqual([])
    })

    test('keeps channels apart', async () => {
      const [here, there] = [channel(), channel()]
      const listener = recorder()
      await world.bus.subscribe(here, listener)
      await world.peer.publish(there, 'not for here')
      expect(await drain(here, listener)).toEqual([])
    })

    test('delivers to every listener of a channel, and to a listener as often as it has subscribed', async () => {
      const where = channel()
      const [twice, once] = [recorder(), recorder()]
      const end = await world.bus.subscribe(where, twice)
      await world.bus.subscribe(where, twice)
      await world.bus.subscribe(where, once)
      await world.peer.publish(where, 'a')
      expect(await drain(where, once)).toEqual(['a'])
      expect(twice.heard.filter((payload) => payload === 'a')).toHaveLength(2)
      end()
      await world.peer.publish(where, 'b')
      await drain(where, once)
      expect(twice.heard.filter((payload) => payload === 'b')).toHaveLength(1)
    })

    test('delivers nothing after the end, which may be repeated', async () => {
      const where = channel()
      const [leaver, stayer] = [recorder(), recorder()]
      const end = await world.bus.subscribe(where, leaver)
      await world.bus.subscribe(where, stayer)
      end()
      end()
      await world.peer.publish(where, 'a')
      expect(await drain(where, stayer)).toEqual(['a'])
      expect(leaver.heard).toEqual([])
    })

    test('an old end does not touch a newer subscription', async () => {
      const where = channel()
      const end = await world.bus.subscribe(where, recorder())
      end()
      const newer = recorder()
      await world.bus.subscribe(where, newer)
      end()
      await world.peer.publish(where, 'a')
      expect(await drain(where, newer)).toEqual(['a'])
    })

    test('lets listeners leave and join while a payload is delivered', async () => {
      const where = channel()
      const [witness, joiner] = [recorder(), recorder()]
      const ends: (() => void)[] = []
      const joined = Promise.withResolvers<() => void>()
      const leaver: BusListener = {
        message() {
          for (const end of ends) end()
          joined.resolve(world.bus.subscribe(where, joiner))
        },
        lost() {},
      }
      ends.push(await world.bus.subscribe(where, leaver))
      await world.bus.subscribe(where, witness)
      await world.peer.publish(where, 'a')
      await joined.promise
      await world.peer.publish(where, 'b')
      expect(await drain(where, witness)).toEqual(['a', 'b'])
      expect(joiner.heard.slice(0, 1)).toEqual(['b'])
    })

    test('survives many who come and go on one channel at once', async () => {
      const where = channel()
      const stayers = Array.from({ length: 50 }, recorder)
      const churn = stayers.map(async (stayer) => {
        const end = await world.bus.subscribe(where, recorder())
        end()
        await world.bus.subscribe(where, stayer)
        const again = await world.bus.subscribe(where, recorder())
        again()
      })
      await Promise.all(churn)
      await world.peer.publish(where, 'a')
      for (const stayer of stayers) expect(await drain(where, stayer)).toContain('a')
    })

    test('a last one who leaves does not take a new one along', async () => {
      for (let round = 0; round < 50; round += 1) {
        const where = channel()
        const end = await world.bus.subscribe(where, recorder())
        const listener = recorder()
        // In the same tick: the server is told of both, or of neither.
        end()
        const joining = world.bus.subscribe(where, listener)
        if (round % 2 === 0) await Promise.resolve()
        await joining
        await world.peer.publish(where, 'a')
        expect(await drain(where, listener)).toEqual(['a'])
      }
    })
  })
}
