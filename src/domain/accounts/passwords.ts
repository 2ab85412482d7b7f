import { Turns } from '../turns.ts'
import type { PasswordHasher } from './ports.ts'

/** A hash takes tens of MiB and a tenth of a second of a core: more at once would starve everything else. */
const AT_ONCE = 2
/** About four seconds' worth. */
const WAITING_MAX = 64

/** Hashes passwords, a bounded number at a time. Throws `Refusal('overloaded')` when too many wait already. */
export class Passwords {
  readonly #hasher: PasswordHasher
  readonly #turns: Turns

  constructor(hasher: PasswordHasher, limits = { atOnce: AT_ONCE, waiting: WAITING_MAX }) {
    this.#hasher = hasher
    this.#turns = new Turns(limits)
  }

  hash(password: string): Promise<string> {
    return this.#turns.take(() => this.#hasher.hash(composed(password)))
  }

  /** With no hash it is as much work, and false: an unknown name takes as long as a wrong password. */
  async verify(password: string, hash: string | null): Promise<boolean> {
    const fits = await this.#turns.take(() => this.#hasher.verify(composed(password), hash ?? this.#hasher.decoy))
    return fits && hash !== null
  }
}

/** Keyboards differ in how they put an accented letter together. */
function composed(password: string): string {
  return password.normalize('NFKC')
}
