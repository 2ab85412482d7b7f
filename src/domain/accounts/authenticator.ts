import { Id } from '../../contract/text.ts'
import { BoundedCache } from '../bounded-cache.ts'
import { Refusal } from '../refusal.ts'
import type { Actor, Participant, Visitor } from './actor.ts'
import type { ExternalAccounts } from './external-accounts.ts'
import type { AccessTokens, ExternalTokens, VisitorTokens } from './ports.ts'
import { concerns, type Revocations, type Revoked } from './revocations.ts'
import type { StandingStore } from './standing-store.ts'

/** What a caller shows of itself, at any door. */
export type Presented = {
  /** Of `Authorization: Bearer`. */
  token: string | null
  apiKey: string | null
  /** The id of the account that a back end with the service key acts as. */
  onBehalfOf: string | null
}

export type AuthenticatorParts = {
  tokens: AccessTokens
  visitors: VisitorTokens
  external: ExternalTokens | undefined
  serviceKey: string | undefined
}

/** Who calls, and until when what they showed is good, in milliseconds since 1970. */
export type Identity<Who extends Participant = Actor> = { actor: Who; expiresAt: number }

type Known = Identity<Participant> & { /** When it is looked up again. */ until: number }
type Cache = BoundedCache<string, Known>

const CACHED_MAX = 20_000
/**
 * What is remembered is asked for again after this long: for a change by hand in the database, and for a revocation whose
 * instance died before it could tell of it.
 */
const RECHECK_MS = 60_000
/** A token of more characters is none. */
const TOKEN_MAX = 8192

/**
 * Tells who calls. Throws `Refusal`s: `unauthenticated` where nothing is shown, `token_invalid` where it is no good,
 * `not_for_visitors` for a visitor, but where those are asked for too.
 */
export class Authenticator {
  readonly #parts: AuthenticatorParts
  readonly #standing: StandingStore
  readonly #externalAccounts: ExternalAccounts
  readonly #revocations: Revocations
  readonly #tokens = new BoundedCache<string, Known>(CACHED_MAX)
  /** By account, for the service key. Apart: what a caller writes as a token must never be the name of one of these. */
  readonly #onBehalf = new BoundedCache<string, Known>(CACHED_MAX)
  readonly #serviceKeyHash: Buffer | undefined
  /** Counts what was revoked, so that what was read before does not get into the cache after. */
  #revoked = 0

  constructor(
    parts: AuthenticatorParts,
    standing: StandingStore,
    externalAccounts: ExternalAccounts,
    revocations: Revocations,
  ) {
    this.#parts = parts
    this.#standing = standing
    this.#externalAccounts = externalAccounts
    this.#revocations = revocations
    this.#serviceKeyHash = parts.serviceKey === undefined ? undefined : hashOf(parts.serviceKey)
    revocations.onRevoked((revoked) => this.#forget(revoked))
    revocations.onDoubt(() => {
      this.#revoked += 1
      this.#tokens.clear()
      this.#onBehalf.clear()
    })
  }

  /** Whose token this is, where that is remembered: nothing is while a revocation might not be heard of. */
  known(token: string): Actor | undefined {
    const actor = this.#knownIn(this.#tokens, token)?.actor
    return actor?.kind === 'visitor' ? undefined : actor
  }

  async authenticate(presented: Presented): Promise<Actor> {
    return (await this.identify(presented)).actor
  }

  async identify(presented: Presented): Promise<Identity> {
    const { actor, expiresAt } = await this.identifyAny(presented)
    if (actor.kind === 'visitor') throw new Refusal('not_for_visitors')
    return { actor, expiresAt }
  }

  /** Visitors too. */
  async identifyAny({ token, apiKey, onBehalfOf }: Presented): Promise<Identity<Participant>> {
    const shown = token ?? apiKey
    if (shown === null) throw new Refusal('unauthenticated')
    if (this.#isServiceKey(shown)) {
      if (onBehalfOf === null) return { actor: { kind: 'service' }, expiresAt: Number.POSITIVE_INFINITY }
      const accountId = Id.safeParse(onBehalfOf).data
      if (accountId === undefined) throw new Refusal('account_missing')
      return this.#remembered(this.#onBehalf, accountId, () => this.#as(accountId))
    }
    if (token === null || token.length > TOKEN_MAX) throw new Refusal('token_invalid')
    if (onBehalfOf !== null) throw new Refusal('forbidden')
    return this.#remembered(this.#tokens, token, () => this.#verify(token))
  }

  #knownIn(cache: Cache, key: string): Identity<Participant> | undefined {
    const known = cache.get(key)
    return known !== undefined && known.until > Date.now() ? known : undefined
  }

  async #remembered(
    cache: Cache,
    key: string,
    read: () => Promise<Identity<Participant>>,
  ): Promise<Identity<Participant>> {
    const known = this.#knownIn(cache, key)
    if (known !== undefined) return known
    const revoked = this.#revoked
    const { actor, expiresAt } = await read()
    const identity = { actor, expiresAt, until: Math.min(expiresAt, Date.now() + RECHECK_MS) }
    if (revoked === this.#revoked && this.#revocations.heard) cache.set(key, identity)
    return identity
  }

  async #verify(token: string): Promise<Identity<Participant>> {
    const claims = await this.#parts.tokens.verify(token)
    if (claims === undefined) return (await this.#verifyVisitor(token)) ?? this.#verifyExternal(token)
    const { accountId, loginId, expiresAt } = claims
    const role = await this.#standing.roleOf(accountId, loginId)
    if (role === undefined) throw new Refusal('token_invalid')
    return { actor: { kind: 'account', accountId, role, loginId }, expiresAt }
  }

  async #verifyVisitor(token: string): Promise<Identity<Visitor> | undefined> {
    const claims = await this.#parts.visitors.verify(token)
    if (claims === undefined) return undefined
    const { visitor, expiresAt } = claims
    const [stands] = await this.#standing.areStanding([visitor])
    if (stands !== true) throw new Refusal('token_invalid')
    return { actor: visitor, expiresAt }
  }

  async #verifyExternal(token: string): Promise<Identity> {
    if (this.#parts.external === undefined) throw new Refusal('token_invalid')
    const identity = await this.#parts.external.verify(token)
    const { id, role } = await this.#externalAccounts.find(identity)
    return { actor: { kind: 'account', accountId: id, role, loginId: null }, expiresAt: identity.expiresAt }
  }

  async #as(accountId: string): Promise<Identity> {
    const role = await this.#standing.roleOf(accountId, null)
    if (role === undefined) throw new Refusal('account_missing')
    return { actor: { kind: 'account', accountId, role, loginId: null }, expiresAt: Number.POSITIVE_INFINITY }
  }

  /** Hashes have one length, and comparing them tells nothing of how much of the key is right. */
  #isServiceKey(shown: string): boolean {
    return this.#serviceKeyHash !== undefined && crypto.timingSafeEqual(hashOf(shown), this.#serviceKeyHash)
  }

  #forget(revoked: Revoked): void {
    this.#revoked += 1
    const meant = ({ actor }: Known) => concerns(revoked, actor)
    this.#tokens.deleteWhere(meant)
    this.#onBehalf.deleteWhere(meant)
  }
}

function hashOf(key: string): Buffer {
  return new Bun.CryptoHasher('sha256').update(key).digest()
}
