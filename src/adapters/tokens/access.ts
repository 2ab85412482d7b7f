import { z } from 'zod'
import type { Role } from '../../contract/accounts.ts'
import type { AccessClaims, AccessTokens } from '../../domain/accounts/ports.ts'
import { Keyring } from './keyring.ts'

export type AccessTokenSettings = {
  secret: string
  /** Secrets of before: what they signed is still valid until it expires. */
  previous: readonly string[]
  issuer: string
  audience: string
  lifetimeSeconds: number
}

/** Told apart from any other token that one of our keys might ever sign. */
const TYPE = 'access'

const Claims = z.object({ sub: z.uuid(), sid: z.uuid(), exp: z.number(), typ: z.literal(TYPE) })

/** JWTs signed with a secret of ours. */
export class JwtAccessTokens implements AccessTokens {
  readonly lifetimeSeconds: number
  readonly #keyring: Keyring

  constructor({ secret, previous, issuer, audience, lifetimeSeconds }: AccessTokenSettings) {
    this.lifetimeSeconds = lifetimeSeconds
    this.#keyring = new Keyring([secret, ...previous], { issuer, audience })
  }

  sign({ accountId, loginId, role }: { accountId: string; loginId: string; role: Role }): Promise<string> {
    const expiresAt = Math.floor(Date.now() / 1000) + this.lifetimeSeconds
    return this.#keyring.sign(accountId, { sid: loginId, role, typ: TYPE }, expiresAt)
  }

  async verify(token: string): Promise<AccessClaims | undefined> {
    const claims = await this.#keyring.verify(token, Claims)
    return claims && { accountId: claims.sub, loginId: claims.sid, expiresAt: claims.exp * 1000 }
  }
}
