import { expect, test } from 'bun:test'
import { DeskBacklog } from '../../src/contract/desk-backlog.ts'
import type { DeskFrame } from '../../src/contract/support-feed.ts'

const queue = (waiting: number): DeskFrame => ({ type: 'desk.queue', waiting, sessions: [] })
const note = (content: string): DeskFrame => ({
  type: 'desk.note',
  note: { id: content, session_id: 'session', author_id: null, content, created_at: '2026-01-31T12:00:00.000Z' },
})

function takeAll(backlog: DeskBacklog): DeskFrame[] {
  const taken: DeskFrame[] = []
  for (let frame = backlog.take(); frame !== undefined; frame = backlog.take()) taken.push(frame)
  return taken
}

test('of the desk’s states the newest waits, and every note', () => {
  const backlog = new DeskBacklog()
  for (const frame of [queue(1), note('One'), queue(2), note('Two')]) backlog.put(frame)
  expect(takeAll(backlog)).toEqual([queue(2), note('One'), note('Two')])
})

test('so many notes that some are left out leave the states alone', () => {
  const backlog = new DeskBacklog()
  backlog.put(queue(3))
  for (let number = 0; number < 150; number += 1) backlog.put(note(String(number)))
  const [first, second, ...more] = takeAll(backlog)
  expect([first, second]).toEqual([queue(3), note('50')])
  expect(more).toHaveLength(99)
})
