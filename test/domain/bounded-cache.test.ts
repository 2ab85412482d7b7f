import { describe, expect, test } from 'bun:test'
import { BoundedCache } from '../../src/domain/bounded-cache.ts'

describe('a bounded cache', () => {
  const filled = () => {
    const cache = new BoundedCache<string, number>(3)
    for (const [index, key] of ['a', 'b', 'c'].entries()) cache.set(key, index)
    return cache
  }
  const held = (cache: BoundedCache<string, number>) =>
    ['a', 'b', 'c', 'd'].filter((key) => cache.get(key) !== undefined)

  test('drops what was used the longest time ago', () => {
    const cache = filled()
    cache.get('a')
    cache.set('d', 3)
    expect(held(cache)).toEqual(['a', 'c', 'd'])
  })

  test('keeps what is used from when it is half full on', () => {
    const cache = new BoundedCache<number, true>(100)
    for (let key = 0; key < 50; key += 1) cache.set(key, true)
    for (let key = 50; key < 500; key += 1) {
      expect(cache.get(7)).toBe(true)
      cache.set(key, true)
    }
    expect(cache.get(8)).toBeUndefined()
  })

  test('setting a key again is a use of it, and no second entry', () => {
    const cache = filled()
    cache.set('a', 9)
    cache.set('d', 3)
    expect(held(cache)).toEqual(['a', 'c', 'd'])
    expect(cache.get('a')).toBe(9)
  })

  test('forgets one entry, those of a kind, or all', () => {
    const cache = filled()
    cache.delete('b')
    expect(held(cache)).toEqual(['a', 'c'])
    cache.deleteWhere((value) => value === 2)
    expect(held(cache)).toEqual(['a'])
    cache.clear()
    expect(held(cache)).toEqual([])
  })
})
