import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import type { ExternalIdentity, ExternalTokens } from '../../domain/accounts/ports.ts'
import { Refusal } from '../../domain/refusal.ts'

export type ExternalIssuer = { jwksUrl: string; issuer: string; audience: string }

/** Asymmetric alone: with a shared key the issuer's public key could be taken for a secret. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519']
const TIMEOUT_MS = 3000
/** The shortest time between two looks for a key that was not there. */
const COOLDOWN_MS = 30_000
const KEYS_AGE_MAX_MS = 600_000
/** How long an issuer that did not answer is not asked again. */
const AWAY_MS = 1000
/** Seconds that the issuer's clock may be off. */
const CLOCK_TOLERANCE = 10

/** What is at fault in the token; anything else that jose throws is about the keys. */
const OF_THE_TOKEN = [
  errors.JWTInvalid,
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
]

const Profile = z.object({
  sub: z
    .string()
    .min(1)
    .max(255)
    .refine((text) => text.isWellFormed() && !text.includes('\0')),
  exp: z.number(),
  email: z.email().max(254).optional().catch(undefined),
  email_verified: z.literal(true).optional().catch(undefined),
  preferred_username: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
})

/** Tokens that an OpenID provider, or whatever publishes its keys as a JWK set, has signed. */
export class JwksTokens implements ExternalTokens {
  readonly #settings: ExternalIssuer
  readonly #keys: ReturnType<typeof createRemoteJWKSet>
  #awayUntil = 0

  constructor(settings: ExternalIssuer) {
    this.#settings = settings
    this.#keys = createRemoteJWKSet(new URL(settings.jwksUrl), {
      timeoutDuration: TIMEOUT_MS,
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: KEYS_AGE_MAX_MS,
    })
  }

  async verify(token: string): Promise<ExternalIdentity> {
    const { issuer, audience } = this.#settings
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.#key(header, jws), {
        algorithms: ALGORITHMS,
        issuer,
        audience,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: CLOCK_TOLERANCE,
      })
      return identityOf(issuer, payload)
    } catch (cause) {
      const refused = cause instanceof z.ZodError || OF_THE_TOKEN.some((kind) => cause instanceof kind)
      throw cause instanceof Refusal || !refused ? cause : new Refusal('token_invalid', { cause })
    }
  }

  async #key(...wanted: Parameters<ReturnType<typeof createRemoteJWKSet>>) {
    if (Date.now() < this.#awayUntil) throw new Refusal('issuer_unavailable', { retryAfter: 1 })
    try {
      return await this.#keys(...wanted)
    } catch (cause) {
      if (OF_THE_TOKEN.some((kind) => cause instanceof kind)) throw cause
      this.#awayUntil = Date.now() + AWAY_MS
      throw new Refusal('issuer_unavailable', { cause, retryAfter: 1 })
    }
  }
}

function identityOf(issuer: string, payload: JWTPayload): ExternalIdentity {
  const { sub, exp, email, email_verified, preferred_username, name } = Profile.parse(payload)
  return {
    issuer,
    subject: sub,
    email: email_verified === true ? (email ?? null) : null,
    username: preferred_username ?? null,
    fullName:
      name
        ?.replace(/[\p{Cc}\p{Cs}]/gu, '')
        .trim()
        .slice(0, 200)
        .toWellFormed() || null,
    expiresAt: exp * 1000,
  }
}
