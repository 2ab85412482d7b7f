import { CLOSE_CODES } from '../../src/contract/close-codes.ts'
import { FAILURES } from '../../src/contract/failures.ts'
import { type Token, tokenOf } from './client.ts'
import type { Ending } from './connection.ts'
import { isToRetry, SocketClosed } from './frames.ts'
import { type FrameOf, isPassing, type Refused } from './live-frames.ts'

interface Line {
  /** False when no socket is open. */
  send(text: string): boolean
  /** Gives the socket up as if it had ended like this. */
  drop(ending: Ending): void
}

/** The one frame id that is not a number: a number is the outbox's. */
const ID = 'sign-in'
/** How much of a token's time passes before the next one is asked for. */
const RENEWED_AT = 0.8
const RENEWAL_MIN_MS = 1000
/** No timer takes more. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** Shows the server who the socket is, and goes on doing so: a token that can be had anew is renewed in time. */
export class SignIn {
  readonly #token: Token
  readonly #line: Line
  /** The one that was shown last. */
  #shown: string | undefined
  /** One that was no good any more. Where the next is not good either, that is the end. */
  #signedOut: string | undefined
  /** Whose socket it is; not set before the first time. */
  #userId: string | null | undefined
  #renewal: ReturnType<typeof setTimeout> | undefined

  constructor(token: Token, line: Line) {
    this.#token = token
    this.#line = line
  }

  /**
   * Gets the token for the next socket. False where there is none to be had at the moment; throws `SocketClosed` where
   * there is none any more.
   */
  async prepare(): Promise<boolean> {
    try {
      this.#shown = await tokenOf(this.#token)
    } catch {
      return false
    }
    if (this.#shown === undefined) throw new SocketClosed(CLOSE_CODES.not_signed_in)
    return true
  }

  show(): void {
    this.#line.send(JSON.stringify({ type: 'authenticate', id: ID, token: this.#shown }))
  }

  /** Throws `SocketClosed` where the token is another account's: what waits here is not theirs to send. */
  authenticated({ user_id, expires_at }: FrameOf<'authenticated'>): void {
    this.#userId ??= user_id
    if (this.#userId !== user_id) {
      throw new SocketClosed({ ...CLOSE_CODES.signed_out, reason: 'The token is of another account than the first' })
    }
    if (this.#shown !== this.#signedOut) this.#signedOut = undefined
    this.#renewIn(expires_at)
  }

  isRefused({ id }: Refused): boolean {
    return id === ID
  }

  refused(refusal: Refused): void {
    const reason = typeof refusal.detail === 'string' ? refusal.detail : FAILURES.invalid.detail
    const { code } =
      isPassing(refusal) || refusal.reason === 'too_many_sockets' ? CLOSE_CODES.internal : CLOSE_CODES.signed_out
    this.#line.drop({ code, reason })
  }

  /** Once more with a token that is new, where there may be one. */
  isWorthRetrying(ending: Ending): boolean {
    if (ending.code !== CLOSE_CODES.signed_out.code) return isToRetry(ending)
    if (typeof this.#token === 'string' || this.#signedOut !== undefined) return false
    this.#signedOut = this.#shown
    return true
  }

  stop(): void {
    clearTimeout(this.#renewal)
    this.#renewal = undefined
  }

  #renewIn(expires_at: string | null): void {
    this.stop()
    if (typeof this.#token === 'string' || expires_at === null) return
    const left = Date.parse(expires_at) - Date.now()
    // The server has just taken it, so this machine's clock is wrong: the server will tell when it is over.
    if (left <= 0) return
    const wait = Math.min(Math.max(left * RENEWED_AT, RENEWAL_MIN_MS), TIMER_MAX_MS)
    this.#renewal = setTimeout(() => void this.#renew(expires_at), wait)
  }

  async #renew(expires_at: string): Promise<void> {
    const renewal = this.#renewal
    const token = await tokenOf(this.#token).catch(() => undefined)
    // Another socket was opened meanwhile, with a token of its own.
    if (renewal !== this.#renewal) return
    if (token === undefined || token === this.#shown) return this.#renewIn(expires_at)
    this.#shown = token
    this.show()
  }
}
