import { type CryptoKey, decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { Refusal } from '../../domain/refusal.ts'

const ALGORITHM = 'HS256'

/** Who makes a kind of token, and for whom. */
export type Stamp = { issuer: string; audience: string }

/** Secrets that sign one kind of token. The header's `kid` names the secret, so that it can be changed without a break. */
export class Keyring {
  readonly #stamp: Stamp
  readonly #kid: string
  readonly #keys: ReadonlyMap<string, Promise<CryptoKey>>

  /** The first secret signs; what one of the others signed is good as well. */
  constructor(secrets: readonly [string, ...string[]], stamp: Stamp) {
    this.#stamp = stamp
    this.#kid = kidOf(secrets[0])
    this.#keys = new Map(secrets.map((secret) => [kidOf(secret), keyOf(secret)]))
  }

  /** `expiresAt`: seconds since 1970. */
  async sign(subject: string, claims: JWTPayload, expiresAt: number): Promise<string> {
    const key = await this.#keys.get(this.#kid)
    if (key === undefined) throw new Error('The keyring lacks the key that it signs with.')
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: this.#kid })
      .setIssuer(this.#stamp.issuer)
      .setAudience(this.#stamp.audience)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(expiresAt)
      .sign(key)
  }

  /** `undefined` for a token that none of these keys made; throws `Refusal('token_invalid')` for one that is no good. */
  async verify<Claims extends z.ZodType>(token: string, claims: Claims): Promise<z.output<Claims> | undefined> {
    const key = this.#keyFor(token)
    if (key === undefined) return undefined
    try {
      const { payload } = await jwtVerify(token, await key, { algorithms: [ALGORITHM], ...this.#stamp })
      return claims.parse(payload)
    } catch (cause) {
      if (cause instanceof errors.JOSEError || cause instanceof z.ZodError)
        throw new Refusal('token_invalid', { cause })
      throw cause
    }
  }

  #keyFor(token: string): Promise<CryptoKey> | undefined {
    try {
      return this.#keys.get(decodeProtectedHeader(token).kid ?? '')
    } catch {
      return undefined
    }
  }
}

/** Names a secret without telling anything of it that a signature would not tell. */
function kidOf(secret: string): string {
  return new Bun.CryptoHasher('sha256').update(`parley kid ${secret}`).digest('base64url').slice(0, 8)
}

function keyOf(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret)
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
}
