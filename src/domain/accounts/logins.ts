import type { Credentials, SignedIn, Tokens } from '../../contract/accounts.ts'
import { Refusal } from '../refusal.ts'
import { accountIdOf, accountOf } from './account.ts'
import type { AccountRow, AccountStore } from './account-store.ts'
import type { Actor } from './actor.ts'
import type { LoginStore, StoredRefresh } from './login-store.ts'
import type { Passwords } from './passwords.ts'
import type { AccessTokens, Attempts } from './ports.ts'
import type { Revocations } from './revocations.ts'

const DAY_MS = 86_400_000

export type LoginParts = {
  accounts: AccountStore
  logins: LoginStore
  passwords: Passwords
  tokens: AccessTokens
  attempts: Attempts
  revocations: Revocations
  refreshDays: number
}

/** Signing in and out. A login is one device or browser; it lasts for as long as its refresh tokens are used in time. */
export class Logins {
  readonly #parts: LoginParts
  /** Refreshes under way, by the hash of their token: two tabs that come at once get the one answer. */
  readonly #refreshing = new Map<string, Promise<Tokens>>()

  constructor(parts: LoginParts) {
    this.#parts = parts
  }

  /** Throws `Refusal('credentials_wrong')`, whichever of the two it is, after the same work. */
  async signIn({ username, password }: Credentials, address: string): Promise<SignedIn> {
    const { accounts, passwords, attempts } = this.#parts
    const name = username.trim().normalize('NFC')
    const counted = name.toLowerCase()
    await attempts.count('address', address)
    await attempts.count('password', counted)
    const account = await accounts.findByName(name)
    const fits = await passwords.verify(password, account?.password_hash ?? null)
    if (account === undefined || !fits || !account.is_active) throw new Refusal('credentials_wrong')
    const signedIn = await this.open(account)
    await attempts.forget('password', counted)
    return signedIn
  }

  /** A login of an account whose password was just verified or set. */
  async open(account: AccountRow): Promise<SignedIn> {
    const loginId = Bun.randomUUIDv7()
    const refresh = this.#newRefresh()
    // Deactivated, or with another password, since it was read.
    if (!(await this.#parts.logins.open(account, loginId, refresh.stored))) throw new Refusal('credentials_wrong')
    const tokens = await this.#tokens({ accountId: account.id, loginId, role: account.role }, refresh.token)
    return { ...tokens, user: accountOf(account) }
  }

  /**
   * New tokens for a refresh token, which is good for one use. One that was used before ends its login, and with it every
   * token that came of it: somebody else has a copy. Not so where both calls are under way at once.
   */
  async refresh(token: string, address: string): Promise<Tokens> {
    await this.#parts.attempts.count('address', address)
    const hash = hashOf(token)
    const underWay = this.#refreshing.get(hash)
    if (underWay !== undefined) return underWay
    const refreshing = this.#rotate(hash).finally(() => this.#refreshing.delete(hash))
    this.#refreshing.set(hash, refreshing)
    return refreshing
  }

  /** Ends the login that the actor's token came from. An external one has none of ours to end. */
  async signOut(actor: Actor): Promise<void> {
    if (actor.kind === 'service' || actor.loginId === null) throw new Refusal('forbidden')
    await this.#parts.logins.revoke(actor.loginId)
    this.#parts.revocations.announce({ kind: 'login', id: actor.loginId })
  }

  /**
   * Ends every login of the account. Throws `Refusal('forbidden')` for one that signs in elsewhere: it has none here, and its
   * tokens would be as good as before.
   */
  async signOutEverywhere(actor: Actor): Promise<void> {
    const accountId = accountIdOf(actor)
    const account = await this.#parts.accounts.find(accountId)
    if (account?.password_hash === null) throw new Refusal('forbidden')
    await this.#parts.logins.revokeAll(accountId)
    this.#parts.revocations.announce({ kind: 'account', id: accountId })
  }

  async #rotate(hash: string): Promise<Tokens> {
    const refresh = this.#newRefresh()
    const rotation = await this.#parts.logins.rotate(hash, refresh.stored)
    switch (rotation.outcome) {
      case 'rotated':
        return this.#tokens(rotation, refresh.token)
      case 'reused':
        this.#parts.revocations.announce({ kind: 'login', id: rotation.loginId })
        throw new Refusal('token_invalid')
      case 'refused':
        throw new Refusal('token_invalid')
    }
  }

  async #tokens(claims: Parameters<AccessTokens['sign']>[0], refresh_token: string): Promise<Tokens> {
    const { tokens } = this.#parts
    return {
      access_token: await tokens.sign(claims),
      token_type: 'bearer',
      expires_in: tokens.lifetimeSeconds,
      refresh_token,
    }
  }

  #newRefresh(): { token: string; stored: StoredRefresh } {
    const token = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
    const expiresAt = new Date(Date.now() + this.#parts.refreshDays * DAY_MS).toISOString()
    return { token, stored: { hash: hashOf(token), expiresAt } }
  }
}

/** The token is random: a plain hash of it can't be reversed by trying. */
function hashOf(token: string): string {
  return new Bun.CryptoHasher('sha256').update(token).digest('hex')
}
