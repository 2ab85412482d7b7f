import { type CryptoKey, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Role } from '../../contract/accounts.ts'
import type { AccessClaims, AccessTokens } from '../../domain/accounts/ports.ts'
import { Refusal } from '../../domain/refusal.ts'

export type AccessTokenSettings = {
  secret: string
  /** Secrets of before: what they signed is still valid until it expires. */
  previous: readonly string[]
  issuer: string
  audience: string
  lifetimeSeconds: number
}

const ALGORITHM = 'HS256'
/** Told apart from any other token that one of our keys might ever sign. */
const TYPE = 'access'

const Claims = z.object({ sub: z.uuid(), sid: z.uuid(), exp: z.number(), typ: z.literal(TYPE) })

/** JWTs signed with a secret of ours. The header's `kid` names the secret, so that it can be changed without a break. */
export class JwtAccessTokens implements AccessTokens {
  readonly lifetimeSeconds: number
  readonly #settings: AccessTokenSettings
  readonly #kid: string
  readonly #keys: ReadonlyMap<string, Promise<CryptoKey>>

  constructor(settings: AccessTokenSettings) {
    this.#settings = settings
    this.lifetimeSeconds = settings.lifetimeSeconds
    this.#kid = kidOf(settings.secret)
    this.#keys = new Map([settings.secret, ...settings.previous].map((secret) => [kidOf(secret), keyOf(secret)]))
  }

  async sign({ accountId, loginId, role }: { accountId: string; loginId: string; role: Role }): Promise<string> {
    const { secret, issuer, audience, lifetimeSeconds } = this.#settings
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ sid: loginId, role, typ: TYPE })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: this.#kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(accountId)
      .setIssuedAt(now)
      .setExpirationTime(now + lifetimeSeconds)
      .sign((await this.#keys.get(this.#kid)) ?? (await keyOf(secret)))
  }

  async verify(token: string): Promise<AccessClaims | undefined> {
    const key = this.#keyFor(token)
    if (key === undefined) return undefined
    try {
      const { issuer, audience } = this.#settings
      const { payload } = await jwtVerify(token, await key, { algorithms: [ALGORITHM], issuer, audience })
      const { sub, sid, exp } = Claims.parse(payload)
      return { accountId: sub, loginId: sid, expiresAt: exp * 1000 }
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
