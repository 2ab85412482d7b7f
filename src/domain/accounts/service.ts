import type {
  Account,
  AccountChange,
  AccountPage,
  AccountPageQuery,
  PasswordChange,
  Registration,
  SignedIn,
} from '../../contract/accounts.ts'
import { Refusal } from '../refusal.ts'
import { accountIdOf, accountOf } from './account.ts'
import type { AccountRow, AccountStore, NewAccountRow } from './account-store.ts'
import { type Actor, isPrivileged } from './actor.ts'
import type { Authenticator } from './authenticator.ts'
import type { Holders } from './holders.ts'
import { revokeAll } from './login-store.ts'
import type { LoginParts, Logins } from './logins.ts'
import type { Revocations } from './revocations.ts'
import type { Visitors } from './visitors.ts'

/** How an API says that a username is somebody else's. */
type UsernameTaken = 'username_taken' | 'username_registered'

export type NewAccount = Pick<Registration, 'email' | 'username' | 'password' | 'full_name'>

/** Accounts, and all that goes with them: `logins` signs in and out, `authenticator` tells whose a token is,
 * `visitors` are customers without one. */
export class AccountService {
  readonly logins: Logins
  readonly authenticator: Authenticator
  readonly revocations: Revocations
  readonly holders: Holders
  readonly visitors: Visitors
  readonly #parts: LoginParts
  readonly #store: AccountStore

  /** Put together by `accountsOf`. */
  constructor(
    parts: LoginParts,
    {
      logins,
      authenticator,
      holders,
      visitors,
    }: Pick<AccountService, 'logins' | 'authenticator' | 'holders' | 'visitors'>,
  ) {
    this.#parts = parts
    this.#store = parts.accounts
    this.logins = logins
    this.authenticator = authenticator
    this.revocations = parts.revocations
    this.holders = holders
    this.visitors = visitors
  }

  /** Throws `Refusal('email_taken')`, or the API's own word for a username that is taken. */
  async register(draft: NewAccount, address: string, taken: UsernameTaken = 'username_registered'): Promise<Account> {
    return accountOf(await this.#register(draft, address, taken))
  }

  async registerAndSignIn(draft: NewAccount, address: string): Promise<SignedIn> {
    return this.logins.open(await this.#register(draft, address, 'username_registered'))
  }

  async me(actor: Actor): Promise<Account> {
    return accountOf(await this.#own(actor))
  }

  /**
   * Ends every other login of the account. Throws `Refusal('password_wrong')`, and `Refusal('forbidden')` for an account
   * that signs in elsewhere.
   */
  async changePassword(actor: Actor, { current_password, new_password }: PasswordChange): Promise<void> {
    const account = await this.#own(actor)
    const old = account.password_hash
    if (actor.kind === 'service' || old === null) throw new Refusal('forbidden')
    await this.#confirm(account, current_password)
    const hash = await this.#parts.passwords.hash(new_password)
    const ended = await this.#parts.logins.changePassword(actor, old, hash)
    if (ended === undefined) throw new Refusal('password_wrong')
    this.revocations.announce(...ended.map((id) => ({ kind: 'login' as const, id })))
  }

  /** For an account's owner: who signs in with a password must give it. */
  async deactivate(actor: Actor, password: string | undefined): Promise<void> {
    const account = await this.#own(actor)
    if (account.password_hash !== null) {
      if (password === undefined) throw new Refusal('password_wrong')
      await this.#confirm(account, password)
    }
    await this.#amend(actor, account.id, { is_active: false })
  }

  /** For admins. */
  async list(actor: Actor, query: AccountPageQuery): Promise<AccountPage> {
    assertAdmin(actor)
    const rows = await this.#store.list(query)
    const items = rows.slice(0, query.limit).map(accountOf)
    return { items, next: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null }
  }

  /** For admins. */
  async find(actor: Actor, accountId: string): Promise<Account> {
    assertAdmin(actor)
    const row = await this.#store.find(accountId)
    if (row === undefined) throw new Refusal('account_missing')
    return accountOf(row)
  }

  /** For admins. Deactivating ends every login of the account, and a new role counts at once. */
  async amend(actor: Actor, accountId: string, change: AccountChange): Promise<Account> {
    assertAdmin(actor)
    return this.#amend(actor, accountId, change)
  }

  /** For who runs the server. Refuses like `register`. */
  async createAdmin(draft: NewAccount): Promise<Account> {
    return accountOf(await this.#store.insert({ ...(await this.#newRow(draft)), role: 'admin' }))
  }

  /** Makes the admin where there is none yet; `undefined` where there is. Refuses like `register`. */
  async createFirstAdmin(draft: NewAccount): Promise<Account | undefined> {
    if (await this.#store.hasAdmin()) return undefined
    const row = await this.#store.insertFirstAdmin({ ...(await this.#newRow(draft)), role: 'admin' })
    return row && accountOf(row)
  }

  async #register(draft: NewAccount, address: string, taken: UsernameTaken): Promise<AccountRow> {
    await this.#parts.attempts.count('address', address)
    await this.#parts.attempts.count('register', address)
    // Asked before the hashing, which takes long; the database says it once more for those who come at once.
    const already = await this.#store.taken(draft.email, draft.username)
    if (already !== undefined) throw new Refusal(already === 'email' ? 'email_taken' : taken)
    try {
      return await this.#store.insert(await this.#newRow(draft))
    } catch (fault) {
      throw fault instanceof Refusal && fault.reason === 'username_taken' ? new Refusal(taken) : fault
    }
  }

  async #newRow({ email, username, password, full_name }: NewAccount): Promise<NewAccountRow> {
    const password_hash = await this.#parts.passwords.hash(password)
    return { id: Bun.randomUUIDv7(), email, username, password_hash, full_name: full_name || null }
  }

  async #own(actor: Actor): Promise<AccountRow> {
    const account = await this.#store.find(accountIdOf(actor))
    if (!account?.is_active) throw new Refusal('token_invalid')
    return account
  }

  /** Counted: a stolen token is no way to find the password out. */
  async #confirm(account: AccountRow, password: string): Promise<void> {
    await this.#parts.attempts.count('password', account.id)
    if (!(await this.#parts.passwords.verify(password, account.password_hash))) throw new Refusal('password_wrong')
    await this.#parts.attempts.forget('password', account.id)
  }

  async #amend(actor: Actor, accountId: string, change: AccountChange): Promise<Account> {
    const { row, changed } = await this.#store.amend(actor, accountId, change, async (transaction) => {
      if (change.is_active === false) await revokeAll(transaction, accountId, null)
    })
    if (changed) this.revocations.announce({ kind: 'account', id: accountId })
    return accountOf(row)
  }
}

function assertAdmin(actor: Actor): void {
  if (!isPrivileged(actor)) throw new Refusal('forbidden')
}
