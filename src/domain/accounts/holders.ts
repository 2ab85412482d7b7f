import { Refusal } from '../refusal.ts'
import type { Participant } from './actor.ts'
import type { Identity } from './authenticator.ts'
import { concerns, type Revocations, type Revoked } from './revocations.ts'
import type { StandingStore } from './standing-store.ts'

const SWEEP_MS = 1000
/** What a revocation's announcement may have missed is found after this many sweeps; every time while none can be heard. */
const RECHECK_SWEEPS = 30
/** Holders whose standing is read at once. */
const CHECKED_AT_ONCE = 1000

/** Something that stays open on a token: a socket, a stream. */
export interface TokenBound {
  /** The token has expired, or was revoked. Called once at most. Synchronous, must not throw. */
  expired(): void
}

/** What stays open, for as long as it does. */
export interface Held {
  /** It is open no more; may be called again. */
  release(): void
}

const NOT_HELD: Held = { release() {} }

class Holder implements Held {
  readonly identity: Identity<Participant>
  readonly bound: TokenBound
  readonly #holders: Holders

  constructor(identity: Identity<Participant>, bound: TokenBound, holders: Holders) {
    this.identity = identity
    this.bound = bound
    this.#holders = holders
  }

  release(): void {
    this.#holders.release(this)
  }
}

/** Ends what was opened with a token once the token is no good any more: within two seconds, on every instance. */
export class Holders {
  readonly #standing: StandingStore
  readonly #perAccount: number
  readonly #revocations: Revocations
  readonly #holders = new Set<Holder>()
  /** By account, or visitor. */
  readonly #byPerson = new Map<string, number>()
  readonly #timer: ReturnType<typeof setInterval>
  /** Those since the last sweep: what was revoked while their tokens were looked at, nobody has told of them. */
  #fresh: Holder[] = []
  #sweeps = 0
  #checking = false
  /** Something may have been missed, and not everyone was looked at since. */
  #doubtful = false

  /** `perAccount`: how many of one account, or visitor, there may be in this process. */
  constructor(standing: StandingStore, revocations: Revocations, perAccount: number) {
    this.#standing = standing
    this.#perAccount = perAccount
    this.#revocations = revocations
    revocations.onRevoked((revoked) => this.#revoke(revoked))
    revocations.onDoubt(() => void this.#recheck())
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS)
    this.#timer.unref()
  }

  /** Throws `Refusal('too_many_sockets')`. A back end's key does not expire, and what it opens is not counted. */
  hold(identity: Identity<Participant>, bound: TokenBound): Held {
    const { actor } = identity
    if (actor.kind === 'service') return NOT_HELD
    const person = nameOf(actor)
    const held = this.#byPerson.get(person) ?? 0
    if (held >= this.#perAccount) throw new Refusal('too_many_sockets')
    const holder = new Holder(identity, bound, this)
    this.#holders.add(holder)
    this.#fresh.push(holder)
    this.#byPerson.set(person, held + 1)
    return holder
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Called by what is held. */
  release(holder: Holder): void {
    const { actor } = holder.identity
    if (!this.#holders.delete(holder) || actor.kind === 'service') return
    const person = nameOf(actor)
    const left = (this.#byPerson.get(person) ?? 0) - 1
    if (left > 0) this.#byPerson.set(person, left)
    else this.#byPerson.delete(person)
  }

  #end(holder: Holder): void {
    if (!this.#holders.has(holder)) return
    this.release(holder)
    holder.bound.expired()
  }

  /** A change of an account is announced like its end (its role, say): all of its tokens are looked at again. */
  #revoke(revoked: Revoked): void {
    const meant = [...this.#holders].filter(({ identity }) => concerns(revoked, identity.actor))
    if (revoked.kind === 'login') for (const holder of meant) this.#end(holder)
    else void this.#check(meant).catch(() => this.#endAll(meant))
  }

  #endAll(holders: readonly Holder[]): void {
    for (const holder of holders) this.#end(holder)
  }

  #sweep(): void {
    const now = Date.now()
    for (const holder of this.#holders) if (holder.identity.expiresAt <= now) this.#end(holder)
    this.#sweeps += 1
    const fresh = this.#fresh.filter((holder) => this.#holders.has(holder))
    this.#fresh = []
    if (this.#doubtful || this.#sweeps % RECHECK_SWEEPS === 0 || !this.#revocations.heard) void this.#recheck()
    else void this.#checkAll(fresh).catch(() => this.#fresh.push(...fresh))
  }

  /** Asks the database about everyone; also once more where it is asking already, since it may have passed some by. */
  async #recheck(): Promise<void> {
    this.#doubtful = true
    if (this.#checking) return
    this.#checking = true
    try {
      while (this.#doubtful) {
        this.#doubtful = false
        await this.#checkAll([...this.#holders])
      }
    } catch {
      // The database is away, and with it all that a token opens: the next sweep asks again.
      this.#doubtful = true
    } finally {
      this.#checking = false
    }
  }

  async #checkAll(holders: readonly Holder[]): Promise<void> {
    for (let from = 0; from < holders.length; from += CHECKED_AT_ONCE) {
      await this.#check(holders.slice(from, from + CHECKED_AT_ONCE))
    }
  }

  async #check(holders: readonly Holder[]): Promise<void> {
    if (holders.length === 0) return
    const actors = holders.map(({ identity }) => identity.actor)
    const standing = await this.#standing.areStanding(actors)
    for (const [index, holder] of holders.entries()) if (standing[index] !== true) this.#end(holder)
  }
}

/** An account and a visitor are told apart, whatever the embedding product calls the latter. */
function nameOf(actor: Exclude<Participant, { kind: 'service' }>): string {
  return actor.kind === 'account' ? actor.accountId : `visitor ${actor.userId}`
}
