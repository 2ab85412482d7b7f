import { expect, setDefaultTimeout, test } from 'bun:test'
import { collectWhenIdle } from '../../src/idle-memory.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

test('memory is collected once after work, when the work is over, and not again before there is more', async () => {
  let [user, looks, collected, busy] = [0, 0, 0, true]
  const stop = collectWhenIdle(
    () => {
      collected += 1
    },
    () => {
      looks += 1
      if (busy) user += 1_000_000
      return { user, system: 0 }
    },
    1,
  )
  const after = async (count: number) => {
    const from = looks
    await until(() => looks >= from + count, 'some looks')
  }
  await after(20)
  expect(collected).toBe(0)
  busy = false
  await after(20)
  expect(collected).toBe(1)
  busy = true
  await after(5)
  busy = false
  await after(20)
  expect(collected).toBe(2)
  stop()
})
