import { BoundedCache } from '../../domain/bounded-cache.ts'
import { Refusal } from '../../domain/refusal.ts'

/** What may come at once is as much as comes in this many seconds. */
const BURST_SECONDS = 20
const REMEMBERED = 100_000

/** How many frames an account may send, over all its sockets in this process. */
export class Allowances {
  readonly #perSecond: number
  readonly #accounts = new BoundedCache<string, { left: number; at: number }>(REMEMBERED)

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** Throws `Refusal('too_many_requests')`. */
  take(accountId: string): void {
    const now = Date.now()
    const burst = this.#perSecond * BURST_SECONDS
    const account = this.#accounts.get(accountId) ?? { left: burst, at: now }
    account.left = Math.min(burst, account.left + ((now - account.at) / 1000) * this.#perSecond)
    account.at = now
    this.#accounts.set(accountId, account)
    if (account.left < 1) throw new Refusal('too_many_requests', { retryAfter: 1 })
    account.left -= 1
  }
}
