import type { AnswerRef } from '../ports.ts'

/** Tokens by which another service speaks for one answer, until its deadline. */
export class CallbackTokens {
  readonly #keys: readonly string[]

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
    const [answerId = '', ends = '', shown = ''] = token.split('.')
    const endsAt = Number(ends)
    if (!(endsAt > Date.now())) return undefined
    const answer = { chatId, messageId, answerId }
    const signature = Buffer.from(shown, 'base64url')
    const isGood = this.#keys.some((key) => {
      const right = signatureOf(key, answer, endsAt)
      return signature.length === right.length && crypto.timingSafeEqual(signature, right)
    })
    return isGood ? answer : undefined
  }
}

function signatureOf(key: string, { chatId, messageId, answerId }: AnswerRef, endsAt: number): Buffer {
  return hmac(key, `${chatId}:${messageId}:${answerId}:${endsAt}`)
}

function hmac(key: string, text: string): Buffer {
  return new Bun.CryptoHasher('sha256', key).update(text).digest()
}
