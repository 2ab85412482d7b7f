import { describe, expect, test } from 'bun:test'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { MemorySessionStore } from '../../src/adapters/memory/sessions.ts'
import { sessionChannel } from '../../src/domain/sessions/events.ts'
import { recorder } from './bus.ts'
import { messageText, newSession } from './session-world.ts'

const LIMITS = { ttlSeconds: 60, maxMessages: 1000, maxBytes: 1_000_000 }

describe('the memory session store', () => {
  test('forgets the session that was written to the longest time ago when it holds too much', async () => {
    const store = new MemorySessionStore(new MemoryBus(), LIMITS, { maxTotalBytes: 100_000 })
    const [first, second, third] = [newSession(), newSession(), newSession()]
    const big = messageText('x'.repeat(40_000))
    const position = await store.append(first, big)
    await store.append(second, big)
    await store.append(first, messageText('newer than the second'))
    await store.append(third, big)
    expect((await store.read(second)).messages).toEqual([])
    expect(await store.list(second.owner, { limit: 10 })).toEqual([])
    expect((await store.read(first)).messages).toHaveLength(2)
    expect((await store.read(third)).messages).toHaveLength(1)
    expect(position).toBeGreaterThan(0)
  })

  test('gives no position twice to a session that was forgotten and came back in the same millisecond', async () => {
    const store = new MemorySessionStore(new MemoryBus(), LIMITS, { maxTotalBytes: 1, now: () => 1_000 })
    const [session, other] = [newSession(), newSession()]
    let last = 0
    for (let index = 0; index < 5; index += 1) last = await store.append(session, messageText('old'))
    await store.append(other, messageText('pushes it out'))
    expect((await store.read(session)).position).toBe(0)
    expect(await store.append(session, messageText('new'))).toBeGreaterThan(last)
  })

  test('keeps a session that alone is larger than all may be', async () => {
    const store = new MemorySessionStore(new MemoryBus(), LIMITS, { maxTotalBytes: 1 })
    const session = newSession()
    await store.append(session, messageText('a'))
    expect((await store.appendAndRead(session, messageText('b'))).messages).toHaveLength(2)
  })

  test('has published when the call has made its change, before any await', async () => {
    const bus = new MemoryBus()
    const store = new MemorySessionStore(bus, LIMITS)
    const session = newSession()
    const listener = recorder()
    await bus.subscribe(sessionChannel(session), listener)
    const posting = store.append(session, messageText('a'))
    expect(listener.heard).toHaveLength(1)
    await posting
  })
})
