import { BoundedCache } from '../bounded-cache.ts'
import type { AnswerRef } from '../ports.ts'

/** Tokens that were found to be good: an answer comes in many calls. */
const KNOWN_MAX = 10_000

/** Tokens by which another service speaks for one answer, until its deadline. */
export class CallbackTokens {
  readonly #keys: readonly string[]
  readonly #known = new BoundedCache<string, { answer: AnswerRef; endsAt: number }>(KNOWN_MAX)

  /** The first secret signs; what one of the others signed is good as well. */
  constructor(secrets: readonly string[]) {
    // A key of its own: what is signed here is good for nothing else, and the other way round.
    this.#keys = secrets.map((secret) => hmac(secret, 'parley answer callbacks').toString('hex'))
  }

  /** `endsAt`: milliseconds since 1970. */
  token(answer: AnswerRef, endsAt: number): string {
    return `${answer.answerId}.${endsAt}.${signatureOf(this.#keys[0] ?? '', answer, endsAt).toString('base64url')}`
  }

  /** The answer that a token is good for, in this chat and message and now; `undefined` where it is not. */
  read(token: string, chatId: string, messageId: string): AnswerRef | undefined {
    const known = this.#known.get(token)
    if (known?.answer.chatId === chatId && known.answer.messageId === messageId) {
      return known.endsAt > Date.now() ? known.answer : undefined
    }
    const [answerId = '', ends = '', shown = ''] = token.split('.')
    const endsAt = Number(ends)
    if (!(endsAt > Date.now())) return undefined
    const answer = { chatId, messageId, answerId }
    const signature = Buffer.from(shown, 'base64url')
    const isGood = this.#keys.some((key) => {
      const right = signatureOf(key, answer, endsAt)
      return signature.length === right.length && crypto.timingSafeEqual(signature, right)
    })
    if (!isGood) return undefined
    this.#known.set(token, { answer, endsAt })
    return answer
  }
}

function signatureOf(key: string, { chatId, messageId, answerId }: AnswerRef, endsAt: number): Buffer {
  return hmac(key, `${chatId}:${messageId}:${answerId}:${endsAt}`)
}

function hmac(key: string, text: string): Buffer {
  return new Bun.CryptoHasher('sha256', key).update(text).digest()
}
