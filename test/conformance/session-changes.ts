import { expect, test } from 'bun:test'
import { sessionEvent } from '../../src/domain/sessions/events.ts'
import { listen, messageText, newSession, type Start } from './session-world.ts'

/** Append, read, clear, and what is published of them. */
export function sessionChanges(start: Start): void {
  test('that is not there has position 0 and no messages', async () => {
    const { store } = await start()
    expect(await store.read(newSession())).toEqual({ position: 0, messages: [] })
  })

  test('keeps its messages in order, as they were given, with positions that grow by 1', async () => {
    const { store, peer } = await start()
    const session = newSession()
    const messages = ['plain', 'línea\n"quoted" \\', '🙂\u2028', ''].map(messageText)
    const positions: number[] = []
    for (const message of messages) positions.push(await store.append(session, message))
    expect(positions).toEqual(messages.map((_, index) => (positions[0] ?? NaN) + index))
    expect(await peer.read(session)).toEqual({ position: positions.at(-1) ?? NaN, messages })
  })

  test('has exact positions above 0', async () => {
    const { store } = await start()
    const position = await store.append(newSession(), messageText('a'))
    expect(position).toBeGreaterThan(0)
    expect(Number.isSafeInteger(position)).toBe(true)
  })

  test('is read right after the own change by appendAndRead', async () => {
    const { store } = await start()
    const session = newSession()
    const [first, second] = [messageText('a'), messageText('b')]
    const before = await store.appendAndRead(session, first)
    expect(before.messages).toEqual([first])
    expect(await store.appendAndRead(session, second)).toEqual({
      position: before.position + 1,
      messages: [first, second],
    })
    expect(before.messages).toEqual([first])
  })

  test('is read whole by appendAndRead, whatever another process did to it in between', async () => {
    const { store, peer } = await start({ maxMessages: 3 })
    const session = newSession()
    const others = [
      async () => {},
      async () => void (await peer.append(session, messageText('by another'))),
      async () => void (await peer.appendAndRead(session, messageText('by another, who reads'))),
      () => peer.clear(session),
    ]
    // Each after each: what a process still knows of a session depends on what was done before.
    for (const change of [...others, ...others.toReversed(), ...others.flatMap((other) => [other, other])]) {
      await change()
      const before = await peer.read(session)
      const message = messageText('own')
      expect(await store.appendAndRead(session, message)).toEqual({
        position: before.position === 0 ? expect.any(Number) : before.position + 1,
        messages: [...before.messages, message].slice(-3),
      })
    }
  })

  test('is apart from one of the same name of another owner, and of another name of the same owner', async () => {
    const { store } = await start()
    const session = newSession()
    await store.append(session, messageText('a'))
    for (const other of [{ ...session, owner: '' }, newSession(session.owner)]) {
      expect(await store.read(other)).toEqual({ position: 0, messages: [] })
    }
  })

  test('takes names with every allowed sign, and the owner everyone', async () => {
    const { store } = await start()
    const session = { owner: '', id: `A.z_0:9-${crypto.randomUUID()}` }
    await store.append(session, messageText('a'))
    expect((await store.read(session)).messages).toHaveLength(1)
    await store.clear(session)
  })

  test('publishes each change with its position', async () => {
    const world = await start()
    const session = newSession()
    const events = await listen(world, session)
    const [first, second] = [messageText('a'), messageText('b')]
    const position = await world.store.append(session, first)
    await world.store.appendAndRead(session, second)
    await world.store.clear(session)
    expect(await events(3)).toEqual([
      sessionEvent(position, first),
      sessionEvent(position + 1, second),
      sessionEvent(position + 2),
    ])
  })

  test('cleared, has no messages and its next position', async () => {
    const { store } = await start()
    const session = newSession()
    const position = await store.append(session, messageText('a'))
    await store.clear(session)
    expect(await store.read(session)).toEqual({ position: position + 1, messages: [] })
    const next = messageText('b')
    expect(await store.appendAndRead(session, next)).toEqual({ position: position + 2, messages: [next] })
  })

  test('that is not there can be cleared, which is a change', async () => {
    const world = await start()
    const session = newSession()
    const events = await listen(world, session)
    await world.store.clear(session)
    const { position, messages } = await world.store.read(session)
    expect(messages).toEqual([])
    expect(await events(1)).toEqual([sessionEvent(position)])
  })
}
