import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { readDelta } from '../../src/domain/answers/delta.ts'
import { chatChannel, SIGNAL } from '../../src/domain/chats/log.ts'
import type { AnswerBuffer, AnswerRef, Bus } from '../../src/domain/ports.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

export interface OpenAnswers {
  buffer: AnswerBuffer
  /** The same as another process has it; the same object where there is none. */
  peer: AnswerBuffer
  bus: Bus
  close(): void
}

/** What the port `AnswerBuffer` promises, for every adapter. */
export function answerContract(name: string, open: () => Promise<OpenAnswers>): void {
  describe(`the answer buffer: ${name}`, () => {
    let world: OpenAnswers
    beforeEach(async () => {
      world = await open()
    })
    afterEach(() => world.close())

    const newAnswer = (): AnswerRef => {
      const [chatId, messageId, answerId] = [Bun.randomUUIDv7(), Bun.randomUUIDv7(), Bun.randomUUIDv7()]
      return { chatId, messageId, answerId }
    }

    /** An answer that is open, and the text that its watchers put together from what they hear. */
    const begin = async (begun = '') => {
      const answer = newAnswer()
      const watched = { text: begun }
      await world.bus.subscribe(chatChannel(answer.chatId), {
        message(payload) {
          const delta = readDelta(payload.slice(SIGNAL.length))
          if (delta?.answerId !== answer.answerId || delta.messageId !== answer.messageId) return
          expect(delta.offset).toBe(watched.text.length)
          watched.text += delta.text
        },
        lost() {},
      })
      await world.buffer.open(answer, begun)
      return { answer, watched }
    }

    test('keeps what is appended in order, and tells those who watch', async () => {
      const { answer, watched } = await begin()
      const pieces = ['Hello', ' wörld', ' 👋🏽', '\n\n', '“a b”']
      let length = 0
      for (const piece of pieces) {
        length += piece.length
        const offset = length - piece.length
        expect(await world.buffer.append(answer, offset, piece)).toEqual({ outcome: 'appended', length })
      }
      expect(await world.peer.read(answer)).toEqual({ text: pieces.join(''), finished: false })
      await until(() => watched.text === pieces.join(''))
    })

    test('appends a repeat once, and tells of a gap', async () => {
      const { answer } = await begin()
      await world.buffer.append(answer, 0, 'one')
      expect(await world.peer.append(answer, 0, 'one')).toEqual({ outcome: 'repeated', length: 3 })
      expect(await world.peer.append(answer, 1, 'other')).toEqual({ outcome: 'repeated', length: 3 })
      expect(await world.peer.append(answer, 5, 'three')).toEqual({ outcome: 'gap', length: 3 })
      expect(await world.buffer.read(answer)).toEqual({ text: 'one', finished: false })
    })

    test('one that was opened for nothing is as if it had never been', async () => {
      const answer = newAnswer()
      await world.buffer.open(answer, 'Begun')
      await world.peer.drop(answer)
      await world.peer.drop(answer)
      expect(await world.buffer.read(answer)).toBeUndefined()
      expect(await world.buffer.append(answer, 5, 'more')).toEqual({ outcome: 'missing' })
      expect(world.buffer.endingHere()).toEqual([])
      await world.buffer.open(answer, '')
      expect(await world.buffer.append(answer, 0, 'one')).toEqual({ outcome: 'appended', length: 3 })
    })

    test('of many who append at one offset, one does', async () => {
      const { answer, watched } = await begin()
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? world.buffer : world.peer).append(answer, 0, String(index).padStart(2, '0')),
        ),
      )
      expect(outcomes.filter(({ outcome }) => outcome === 'appended')).toHaveLength(1)
      const text = (await world.buffer.read(answer))?.text ?? ''
      expect(text).toHaveLength(2)
      await until(() => watched.text === text)
    })

    test('goes on after what there was', async () => {
      const { answer } = await begin('Once ')
      await world.peer.open(answer, 'again')
      expect(await world.buffer.append(answer, 0, 'upon')).toEqual({ outcome: 'repeated', length: 5 })
      await world.buffer.append(answer, 5, 'upon')
      expect(await world.peer.read(answer)).toEqual({ text: 'Once upon', finished: false })
    })

    test('takes nothing after the end, which comes as often as it is asked for', async () => {
      const { answer } = await begin()
      await world.buffer.append(answer, 0, 'whole')
      expect(await world.peer.finish(answer, 'first')).toEqual({ text: 'whole', ending: 'first' })
      expect(await world.buffer.append(answer, 5, ' more')).toEqual({ outcome: 'finished' })
      expect(await world.buffer.addPiece(answer, 0, 'late')).toEqual({ outcome: 'finished' })
      expect(await world.buffer.endPieces(answer, null, '')).toEqual({ outcome: 'finished' })
      await world.buffer.open(answer, 'anew')
      expect(await world.buffer.finish(answer, 'second')).toEqual({ text: 'whole', ending: 'first' })
      expect(await world.peer.read(answer)).toEqual({ text: 'whole', finished: true })
    })

    test('whoever finishes has all that was appended, whatever comes at the same time', async () => {
      const { answer } = await begin()
      let length = 0
      const append = async () => {
        while (true) {
          const appended = await world.buffer.append(answer, length, 'x')
          if (appended.outcome !== 'appended') return
          length = appended.length
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const appending = append()
      await until(() => length > 20)
      const finished = await world.peer.finish(answer, 'end')
      await appending
      expect(finished?.text).toBe('x'.repeat(length))
    })

    test('knows nothing of an answer that was never begun', async () => {
      const answer = newAnswer()
      expect(await world.buffer.append(answer, 0, 'a')).toEqual({ outcome: 'missing' })
      expect(await world.buffer.addPiece(answer, null, 'a')).toEqual({ outcome: 'missing' })
      expect(await world.buffer.endPieces(answer, 1, 'a')).toEqual({ outcome: 'missing' })
      expect(await world.buffer.read(answer)).toBeUndefined()
      expect(await world.buffer.finish(answer, 'end')).toBeUndefined()
    })

    test('puts numbered pieces in order, each once, however they come', async () => {
      const unit = fc.oneof(fc.constantFrom('😀', '👋🏽', 'é', 'a'), fc.string({ unit: 'binary', maxLength: 3 }))
      const texts = fc.array(unit, { minLength: 1, maxLength: 30 }).map((units) => units.join(''))
      // Anywhere, also through a character.
      const pieces = fc
        .tuple(texts, fc.array(fc.nat(60), { maxLength: 11 }))
        .map(([text, cuts]) =>
          [0, ...cuts.toSorted((one, other) => one - other)].map((from, at, all) => text.slice(from, all[at + 1])),
        )
      const orders = pieces.chain((parts) => {
        const sent = parts.map((text, number) => ({ text, number }))
        const twice = fc.subarray(sent)
        return twice.chain((again) =>
          fc
            .shuffledSubarray([...sent, ...again], { minLength: sent.length + again.length })
            .map((arrivals) => ({ whole: sent.map(({ text }) => text).join(''), count: sent.length, arrivals })),
        )
      })
      await fc.assert(
        fc.asyncProperty(orders, async ({ whole, count, arrivals }) => {
          const { answer, watched } = await begin()
          for (const { number, text } of arrivals) await world.buffer.addPiece(answer, number, text)
          expect(await world.peer.endPieces(answer, count, 'end')).toEqual({
            outcome: 'appended',
            length: whole.length,
          })
          expect((await world.peer.read(answer))?.text).toBe(whole)
          await until(() => watched.text === whole)
        }),
        { numRuns: 60 },
      )
    })

    test('a character that is cut between two pieces is told whole, with the second', async () => {
      const { answer, watched } = await begin('a')
      const [first = '', second = ''] = '😀'.split('')
      expect(await world.buffer.addPiece(answer, null, `b${first}`)).toEqual({ outcome: 'appended', length: 2 })
      expect(await world.peer.read(answer)).toEqual({ text: 'ab', finished: false })
      expect(await world.peer.addPiece(answer, null, '')).toEqual({ outcome: 'appended', length: 2 })
      expect(await world.peer.addPiece(answer, null, `${second}c`)).toEqual({ outcome: 'appended', length: 5 })
      await world.buffer.addPiece(answer, 1, second)
      await world.peer.addPiece(answer, 2, `d${first}`)
      expect(await world.buffer.addPiece(answer, 0, first)).toEqual({ outcome: 'appended', length: 8 })
      expect(await world.buffer.addPiece(answer, 3, `${second}e`)).toEqual({ outcome: 'appended', length: 11 })
      await until(() => watched.text === 'ab😀c😀d😀e')
      expect(await world.peer.read(answer)).toEqual({ text: watched.text, finished: false })
    })

    test('half a character that stays alone is told as such, at the end once it is finished', async () => {
      const { answer, watched } = await begin()
      const pieces = ['\ude00a', '\ud83d', '\ud83d', 'b', '\ud83dc\ud83dd', '\ude00', 'e\ud83d']
      for (const piece of pieces) await world.buffer.addPiece(answer, null, piece)
      const told = '\ufffda\ufffd\ufffdb\ufffdc\ufffdd\ufffde'
      expect(await world.peer.read(answer)).toEqual({ text: told, finished: false })
      await until(() => watched.text === told)
      expect((await world.peer.finish(answer, 'end'))?.text).toBe(`${told}\ufffd`)
      expect((await world.buffer.finish(answer, 'end'))?.text).toBe(`${told}\ufffd`)
    })

    test('an end waits for the pieces that are on their way, and comes with the last', async () => {
      const { answer } = await begin()
      expect(await world.buffer.addPiece(answer, 1, 'b')).toEqual({ outcome: 'held' })
      expect(await world.buffer.endPieces(answer, 3, 'the end')).toEqual({ outcome: 'held' })
      expect(await world.peer.addPiece(answer, 1, 'b')).toEqual({ outcome: 'repeated' })
      expect(await world.peer.addPiece(answer, 0, 'a')).toEqual({ outcome: 'appended', length: 2 })
      expect(await world.peer.addPiece(answer, 2, 'c')).toEqual({ outcome: 'appended', length: 3, ending: 'the end' })
      // Whoever was told so may have been killed: it comes again, and before any other end.
      expect(await world.buffer.addPiece(answer, 2, 'c')).toEqual({ outcome: 'repeated', ending: 'the end' })
      expect(await world.buffer.finish(answer, 'another')).toEqual({ text: 'abc', ending: 'the end' })
    })

    test('an end that does not know how many there are waits for those before the last that came', async () => {
      const { answer } = await begin()
      await world.buffer.addPiece(answer, 0, 'a')
      await world.buffer.addPiece(answer, 2, 'c')
      expect(await world.buffer.endPieces(answer, null, 'the end')).toEqual({ outcome: 'held' })
      expect(await world.buffer.addPiece(answer, 1, 'b')).toEqual({ outcome: 'appended', length: 3, ending: 'the end' })
      const { answer: other } = await begin()
      await world.buffer.addPiece(other, null, 'no number')
      expect(await world.buffer.endPieces(other, null, '')).toEqual({ outcome: 'appended', length: 9 })
    })

    test('holds no more than it may', async () => {
      const { answer } = await begin()
      const long = 'x'.repeat(100_000)
      const outcomes: string[] = []
      for (let number = 1; number <= 3; number += 1) {
        outcomes.push((await world.buffer.addPiece(answer, number, long)).outcome)
      }
      expect(outcomes).toEqual(['held', 'held', 'full'])
      await world.buffer.addPiece(answer, 0, '')
      expect(await world.buffer.addPiece(answer, 3, long)).toEqual({ outcome: 'appended', length: 300_000 })
    })
  })
}
