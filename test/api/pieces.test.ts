import { describe, expect, test } from 'bun:test'
import { LoopLoad } from '../../src/api/loop-load.ts'
import { type Piece, Pieces } from '../../src/api/ws/pieces.ts'
import { until } from '../support/wait.ts'

const answer = { chatId: 'chat', messageId: 'message', answerId: 'answer' }

function piecesOf(text: string): Piece[] {
  return [...text].map((char, offset) => ({ answer, offset, text: char }))
}

describe('pieces of an answer', () => {
  test('are told as they come while everybody keeps up', () => {
    const told: Piece[] = []
    const pieces = new Pieces(
      (piece) => told.push(piece),
      () => false,
      { works() {}, isBusy: false },
    )
    for (const piece of piecesOf('Hello')) pieces.add(piece)
    expect(told).toEqual(piecesOf('Hello'))
  })

  for (const [who, isBehind, isBusy] of [
    ['a watcher', true, false],
    ['the server', false, true],
  ] as const) {
    test(`are told together, with nothing lost, while ${who} does not keep up`, async () => {
      const told: Piece[] = []
      const load = { works() {}, isBusy }
      const pieces = new Pieces(
        (piece) => told.push(piece),
        () => isBehind,
        load,
      )
      for (const piece of piecesOf('Hello')) pieces.add(piece)
      expect(told).toEqual([])
      await until(async () => told.length > 0)
      expect(told).toEqual([{ answer, offset: 0, text: 'Hello' }])
    })
  }

  test('that waited come before those that are told at once again', () => {
    const told: Piece[] = []
    const load = { works() {}, isBusy: true }
    const pieces = new Pieces(
      (piece) => told.push(piece),
      () => false,
      load,
    )
    const [first, second, third] = piecesOf('Hey')
    if (first === undefined || second === undefined || third === undefined) throw new Error('three pieces')
    pieces.add(first)
    pieces.add(second)
    load.isBusy = false
    pieces.add(third)
    expect(told).toEqual([{ answer, offset: 0, text: 'He' }, third])
  })
})

describe('the event loop', () => {
  test('is busy once it has been at work for nearly all of a while, and is so no longer once it has time again', async () => {
    let now = 0
    let cpu = 0
    const load = new LoopLoad(
      () => now,
      () => cpu,
    )
    const turn = async (idleMs: number, workMs: number, earlierMs = 0) => {
      now += idleMs + earlierMs
      load.works()
      load.works()
      now += workMs
      cpu += earlierMs
      await new Promise(setImmediate)
    }
    await turn(60, 60)
    expect(load.isBusy).toBe(false)
    for (let count = 0; count < 10; count += 1) await turn(0.5, 10)
    expect(load.isBusy).toBe(true)
    for (let count = 0; count < 10; count += 1) await turn(10, 10)
    expect(load.isBusy).toBe(false)
    // Work that came before anybody said so.
    for (let count = 0; count < 20; count += 1) await turn(0, 0.1, 10)
    expect(load.isBusy).toBe(true)
    for (let count = 0; count < 20; count += 1) await turn(10, 0, 10)
    expect(load.isBusy).toBe(false)
  })
})
