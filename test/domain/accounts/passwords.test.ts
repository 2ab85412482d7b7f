import { describe, expect, test } from 'bun:test'
import { Argon2 } from '../../../src/adapters/argon2.ts'
import { Passwords } from '../../../src/domain/accounts/passwords.ts'
import type { PasswordHasher } from '../../../src/domain/accounts/ports.ts'
import { cheapHasher } from '../../support/accounts.ts'
import { reasonOf } from './world.ts'

/** Ends a hash when it is told to. */
class HeldHasher implements PasswordHasher {
  readonly decoy = ''
  readonly #held: (() => void)[] = []
  most = 0

  hash(password: string): Promise<string> {
    return new Promise((resolve) => {
      this.#held.push(() => resolve(password))
      this.most = Math.max(this.most, this.#held.length)
    })
  }

  async verify(): Promise<boolean> {
    return true
  }

  /** One that has its turn starts within a turn of the event loop. */
  async releaseAll(): Promise<void> {
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    for (await turn(); this.#held.length > 0; await turn()) this.#held.shift()?.()
  }
}

describe('passwords', () => {
  const passwords = new Passwords(cheapHasher)

  test('fit the hash of themselves and no other, however an accent was typed', async () => {
    const hash = await passwords.hash('Café-au-lait-1')
    expect(hash).toStartWith('$argon2id$')
    expect(await passwords.verify('Cafe\u0301-au-lait-1', hash)).toBe(true)
    expect(await passwords.verify('Cafe-au-lait-1', hash)).toBe(false)
  })

  test('never fit where there is no hash', async () => {
    expect(await passwords.verify('', null)).toBe(false)
    expect(await passwords.verify('anything', null)).toBe(false)
    // Not even if the decoy turned out to be somebody's.
    expect(await new Passwords(new HeldHasher()).verify('anything', null)).toBe(false)
  })

  test('have a decoy of the same cost as a hash', async () => {
    const costOf = (hash: string) => hash.split('$').slice(0, 4).join('$')
    for (const hasher of [new Argon2({ memory: 64, passes: 1 }), new Argon2({ memory: 8, passes: 3 })]) {
      const hash = await hasher.hash('one')
      expect(costOf(hasher.decoy)).toBe(costOf(hash))
      expect(hasher.decoy).toHaveLength(hash.length)
      expect(await hasher.verify('one', hasher.decoy)).toBe(false)
    }
    expect(costOf(new Argon2().decoy)).toBe('$argon2id$v=19$m=65536,t=2,p=1')
  })

  test('are hashed so many at once, a bounded number waits, and more are refused', async () => {
    const hasher = new HeldHasher()
    const bounded = new Passwords(hasher, { atOnce: 2, waiting: 3 })
    const five = Array.from({ length: 5 }, (_, index) => bounded.hash(`password ${index}`))
    expect(await reasonOf(bounded.hash('one too many'))).toBe('overloaded')
    await hasher.releaseAll()
    expect(await Promise.all(five)).toHaveLength(5)
    expect(hasher.most).toBe(2)
    const again = bounded.hash('there is room again')
    await hasher.releaseAll()
    expect(await again).toBe('there is room again')
  })

  test('give their place back when a hash fails', async () => {
    const failing: PasswordHasher = {
      decoy: '',
      hash: () => Promise.reject(new Error('no memory')),
      verify: async () => true,
    }
    const one = new Passwords(failing, { atOnce: 1, waiting: 1 })
    for (const _ of [1, 2, 3]) await expect(one.hash('x')).rejects.toThrow('no memory')
  })
})
