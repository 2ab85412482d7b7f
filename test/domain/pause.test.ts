import { expect, test } from 'bun:test'
import { pause } from '../../src/domain/pause.ts'

test('a pause ends as soon as it is called off, also before it began', async () => {
  const stop = new AbortController()
  const pausing = pause(3_600_000, stop.signal)
  stop.abort()
  await pausing
  await pause(3_600_000, stop.signal)
  expect(stop.signal.aborted).toBe(true)
})
