import { expect, test } from 'bun:test'
import type { SessionSnapshot } from '../../src/domain/ports.ts'
import { parseSessionEvent, sessionChannel, sessionEvent } from '../../src/domain/sessions/events.ts'
import { until } from '../support/wait.ts'
import { recorder } from './bus.ts'
import { listen, messageText, newSession, type Start } from './session-world.ts'

/** Many writers, and readers between them. */
export function sessionRaces(start: Start): void {
  test('get dense positions, and the list and the bus have the same order', async () => {
    const world = await start()
    const session = newSession()
    const events = await listen(world, session)
    const messages = Array.from({ length: 200 }, (_, index) => messageText(`message ${index}`))
    const positions = await Promise.all(
      messages.map((message, index) => (index % 2 === 0 ? world.store : world.peer).append(session, message)),
    )
    const stored = await world.store.read(session)
    const first = Math.min(...positions)
    expect(positions.toSorted((a, b) => a - b)).toEqual(messages.map((_, index) => first + index))
    const byPosition = messages.toSorted((a, b) => at(positions, messages, a) - at(positions, messages, b))
    expect(stored).toEqual({ position: first + 199, messages: byPosition })
    expect(await events(200)).toEqual(byPosition.map((message, index) => sessionEvent(first + index, message)))
  })

  test('each read the session as of their own change', async () => {
    const { store, peer } = await start()
    const session = newSession()
    const messages = Array.from({ length: 100 }, (_, index) => messageText(`message ${index}`))
    const snapshots = await Promise.all(
      messages.map((message, index) => (index % 2 === 0 ? store : peer).appendAndRead(session, message)),
    )
    const first = Math.min(...snapshots.map(({ position }) => position))
    for (const [index, snapshot] of snapshots.entries()) {
      expect(snapshot.messages.at(-1)).toBe(messages[index] ?? '')
      expect(snapshot.messages).toHaveLength(snapshot.position - first + 1)
    }
  })

  test('leave no gap and no duplicate to a reader that subscribes, then reads, then follows', async () => {
    const world = await start()
    const session = newSession()
    const messages = Array.from({ length: 300 }, (_, index) => messageText(`message ${index}`))
    let posted = 0
    const posting = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (posted < messages.length) await world.peer.append(session, messages[posted++] ?? '')
      }),
    )
    await until(() => posted > 50, 'some posts')
    const listener = recorder()
    await world.bus.subscribe(sessionChannel(session), listener)
    const snapshot = await world.store.read(session)
    await posting
    const stored = await world.store.read(session)
    await until(() => followed(snapshot, listener.heard).length >= messages.length, 'all messages')
    expect(followed(snapshot, listener.heard)).toEqual([...stored.messages])
  })
}

function at(positions: number[], messages: string[], message: string): number {
  return positions[messages.indexOf(message)] ?? NaN
}

/** A reader's view: what it read, and what came later. */
function followed(snapshot: SessionSnapshot, heard: string[]): string[] {
  const later = heard.map(parseSessionEvent).filter(({ position }) => position > snapshot.position)
  return [...snapshot.messages, ...later.map((event) => (event.type === 'message.created' ? event.message : ''))]
}
