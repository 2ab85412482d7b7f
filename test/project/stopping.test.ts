import { expect, test } from 'bun:test'
import { stopInTurn } from '../../src/stopping.ts'

test('what fails or hangs while a process stops holds up nothing, and is told', async () => {
  const order: string[] = []
  const told: string[] = []
  const late = Promise.withResolvers<void>()
  await stopInTurn(
    [
      { name: 'sockets', ms: 1000, run: async () => order.push('sockets') },
      { name: 'throws', ms: 1000, run: () => JSON.parse('{') },
      { name: 'rejects', ms: 1000, run: () => Promise.reject(new Error('away')) },
      { name: 'hangs', ms: 1, run: () => late.promise },
      { name: 'database', ms: 1000, run: async () => order.push('database') },
    ],
    (_, step) => told.push(step),
  )
  expect(order).toEqual(['sockets', 'database'])
  expect(told).toEqual(['throws', 'rejects', 'hangs'])
  // Nobody waits for it any more: a rejection that is nobody's would end the process.
  late.reject(new Error('away, much later'))
  await Bun.sleep(0)
  expect(told).toEqual(['throws', 'rejects', 'hangs', 'hangs'])
})

test('all steps together take no longer than they have', async () => {
  const order: string[] = []
  const hangs = { name: 'hangs', ms: 60_000, run: () => new Promise(() => {}) }
  const last = { name: 'last', ms: 60_000, run: () => order.push('last') }
  await stopInTurn([hangs, hangs, last], () => {}, 10)
  expect(order).toEqual(['last'])
})
