import type { PasswordHasher } from '../domain/accounts/ports.ts'

export type Argon2Cost = { /** KiB. */ memory: number; passes: number }

/** About 120 ms of one core and 64 MiB. */
const COST: Argon2Cost = { memory: 65_536, passes: 2 }
/** The length in Base64 of Bun's salts and hashes: 32 bytes. */
const BYTES = 43

/** Argon2id, in Bun's thread pool. */
export class Argon2 implements PasswordHasher {
  readonly decoy: string
  readonly #cost: Argon2Cost

  constructor(cost = COST) {
    this.#cost = cost
    this.decoy = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=1$${'A'.repeat(BYTES)}$${'A'.repeat(BYTES)}`
  }

  hash(password: string): Promise<string> {
    return Bun.password.hash(password, {
      algorithm: 'argon2id',
      memoryCost: this.#cost.memory,
      timeCost: this.#cost.passes,
    })
  }

  verify(password: string, hash: string): Promise<boolean> {
    return Bun.password.verify(password, hash)
  }
}
