/** Tokens by which another service speaks for one answer, until its deadline. */
export class CallbackTokens {
  readonly #keys: readonly string[]

  /** The first secret signs; what one of the others signed is good as well. */
  constructor(secrets: readonly string[]) {
    // A key of its own: what is signed here is good for nothing else, and the other way round.
    this.#keys = secrets.map((secret) => hmac(secret, 'parley answer callbacks').toString('hex'))
  }

  /** `endsAt`: milliseconds since 1970. */
  token(messageId: string, answerId: string, endsAt: number): string {
    return `${answerId}.${endsAt}.${signatureOf(this.#keys[0] ?? '', messageId, answerId, endsAt)}`
  }

  /** The answer that a token is good for, of this message and now; `undefined` where it is not. */
  read(token: string, messageId: string): string | undefined {
    const [answerId = '', ends = '', signature = ''] = token.split('.')
    const endsAt = Number(ends)
    if (!(endsAt > Date.now())) return undefined
    // Compared by what a key makes of them: the time that it takes tells nothing of the right one.
    const isGood = this.#keys.some((key) =>
      hmac(key, signature).equals(hmac(key, signatureOf(key, messageId, answerId, endsAt))),
    )
    return isGood ? answerId : undefined
  }
}

function signatureOf(key: string, messageId: string, answerId: string, endsAt: number): string {
  return hmac(key, `${messageId}:${answerId}:${endsAt}`).toString('base64url')
}

function hmac(key: string, text: string): Buffer {
  return new Bun.CryptoHasher('sha256', key).update(text).digest()
}
