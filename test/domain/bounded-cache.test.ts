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
