import { expect, test } from 'bun:test'
import pino from 'pino'
import { type StartWorker, Supervisor } from '../../src/supervisor.ts'

const silent = pino({ level: 'silent' })

type Told = Parameters<StartWorker>

/** Processes that are none: each is told of by hand. `refuse` says of which the system makes none. */
function fakeProcesses(refuse: (number: number) => boolean = () => false) {
  const started: { serves(): void; ends(code: number): void }[] = []
  let asked = 0
  let next = Promise.withResolvers<void>()
  const start: StartWorker = (...[heard, ended]: Told) => {
    asked += 1
    next.resolve()
    next = Promise.withResolvers()
    if (refuse(asked)) throw new Error('EAGAIN')
    const ends = (code: number) => ended({ code, signal: null })
    started.push({ serves: () => heard('a database'), ends })
    return { pid: asked, kill: () => queueMicrotask(() => ends(0)) }
  }
  /** Resolves once so many were asked for. */
  const askedFor = async (count: number) => {
    while (asked < count) await next.promise
  }
  return { start, started, askedFor }
}

test('a process that the system has no room for is tried again, and those that there are go on', async () => {
  const { start, started, askedFor } = fakeProcesses((number) => number === 2)
  const supervisor = new Supervisor(1, start, silent)
  const up = supervisor.start()
  started[0]?.serves()
  expect(await up).toBe('a database')
  started[0]?.ends(137)
  await askedFor(3)
  expect(started).toHaveLength(2)
  supervisor.stop()
  expect(await supervisor.ended).toBe(0)
})

test('where not even the first can be started, all ends and says why', async () => {
  const { start } = fakeProcesses(() => true)
  const supervisor = new Supervisor(2, start, silent)
  expect(await supervisor.start()).toBeUndefined()
  await expect(supervisor.ended).rejects.toThrow('could not be started')
})

test('told to stop while its workers come up, it waits for no word of them', async () => {
  const { start, started } = fakeProcesses()
  const supervisor = new Supervisor(2, start, silent)
  const up = supervisor.start()
  started[0]?.serves()
  await Bun.sleep(0)
  expect(started).toHaveLength(2)
  supervisor.stop()
  expect(await up).toBeUndefined()
  expect(await supervisor.ended).toBe(0)
})
