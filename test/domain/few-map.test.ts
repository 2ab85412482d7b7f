import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { FewMap } from '../../src/domain/few-map.ts'

describe('a map of few', () => {
  test('holds what a Map would, in the same order, however many there are', () => {
    const key = fc.integer({ min: 0, max: 20 })
    const change = fc.oneof(
      fc.tuple(fc.constant('set' as const), key),
      fc.tuple(fc.constant('delete' as const), key),
      fc.tuple(fc.constant('clear' as const), key),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const [few, map] = [new FewMap<number, number>(), new Map<number, number>()]
        for (const [time, [kind, number]] of changes.entries()) {
          if (kind === 'set') {
            few.set(number, time)
            map.set(number, time)
          } else if (kind === 'delete') expect(few.delete(number)).toBe(map.delete(number))
          else if (time % 5 === 0) {
            few.clear()
            map.clear()
          }
          expect([...few]).toEqual([...map])
          expect([...few.keys()]).toEqual([...map.keys()])
          expect([few.size, few.has(number), few.get(number)]).toEqual([map.size, map.has(number), map.get(number)])
        }
      }),
    )
  })

  test('may be changed by whoever goes through it', () => {
    for (const count of [3, 12]) {
      const few = new FewMap<number, true>()
      for (let key = 0; key < count; key += 1) few.set(key, true)
      const seen: number[] = []
      for (const key of few.keys()) {
        seen.push(key)
        few.delete(key)
      }
      expect(seen).toHaveLength(count)
      expect(few.size).toBe(0)
    }
  })
})
