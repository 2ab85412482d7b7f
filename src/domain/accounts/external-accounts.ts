import type { Role } from '../../contract/accounts.ts'
import { Refusal } from '../refusal.ts'
import type { AccountRow, AccountStore } from './account-store.ts'
import type { ExternalIdentity } from './ports.ts'

/** Each try takes another name; with that many taken something else is wrong. */
const TRIES = 5
const USERNAME_MAX = 64

/**
 * The accounts of those who sign in elsewhere: known by issuer and subject alone, made on first sight. An email or a
 * username that an account here has already is never shared and never a way into that account: the new one goes without.
 */
export class ExternalAccounts {
  readonly #store: AccountStore

  constructor(store: AccountStore) {
    this.#store = store
  }

  /** Throws `Refusal('token_invalid')` for an account that was deactivated. */
  async find(identity: ExternalIdentity): Promise<{ id: string; role: Role }> {
    const { issuer, subject } = identity
    const account = (await this.#store.findExternal(issuer, subject)) ?? (await this.#make(identity))
    if (!account.is_active) throw new Refusal('token_invalid')
    return account
  }

  async #make({ issuer, subject, ...profile }: ExternalIdentity): Promise<AccountRow> {
    const fingerprint = new Bun.CryptoHasher('sha256').update(`${issuer}\n${subject}`).digest('hex')
    const nowhere = `${fingerprint.slice(0, 24)}@external.invalid`
    const wanted = usernameFrom(profile.username) ?? `user-${fingerprint.slice(0, 12)}`
    let email = profile.email ?? nowhere
    let username = wanted
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      try {
        const row = { id: Bun.randomUUIDv7(), email, username, full_name: profile.fullName, issuer, subject }
        const made = (await this.#store.insertExternal(row)) ?? (await this.#store.findExternal(issuer, subject))
        if (made !== undefined) return made
      } catch (fault) {
        if (!(fault instanceof Refusal)) throw fault
        if (fault.reason === 'email_taken') email = nowhere
        else if (fault.reason === 'username_taken') username = `${wanted.slice(0, USERNAME_MAX - 9)}-${random()}`
        else throw fault
      }
    }
    throw new Error('An external account found no free username.')
  }
}

/** What remains of the issuer's word for a person is a username of ours; `undefined` where nothing does. */
function usernameFrom(text: string | null): string | undefined {
  const kept = text
    ?.normalize('NFC')
    .split('@')[0]
    ?.replace(/[^\p{L}\p{N}._-]/gu, '')
  return kept ? [...kept].slice(0, USERNAME_MAX / 2).join('') : undefined
}

function random(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString('hex')
}
