import { expect, test } from 'bun:test'
import { JoinGarbage } from '../../src/api/ws/join-garbage.ts'

test('what joins leave behind is collected once for many of them, a moment later', async () => {
  let collected = 0
  const garbage = new JoinGarbage(() => {
    collected += 1
  })
  for (let joins = 1; joins <= 300; joins += 1) garbage.add()
  expect(collected).toBe(0)
  await new Promise(setImmediate)
  expect(collected).toBe(2)
})
