import { z } from 'zod'
import { PersonId } from '../../contract/accounts.ts'
import { Metadata } from '../../contract/chats.ts'
import type { VisitorClaims, VisitorTokens } from '../../domain/accounts/ports.ts'
import { Keyring } from './keyring.ts'

const TYPE = 'visitor'

const Claims = z.object({
  sub: PersonId,
  name: z.string().nullable(),
  metadata: Metadata,
  gen: z.int().nonnegative(),
  exp: z.number(),
  typ: z.literal(TYPE),
})

export type VisitorTokenSettings = {
  secret: string
  /** Secrets of before: what was signed by them is still valid until it expires. */
  previous: readonly string[]
  issuer: string
  audience: string
}

/** JWTs of their own kind: by keys that sign no other token, for an audience of their own. */
export class JwtVisitorTokens implements VisitorTokens {
  readonly #keyring: Keyring

  constructor({ secret, previous, issuer, audience }: VisitorTokenSettings) {
    const secrets = [ownSecret(secret), ...previous.map(ownSecret)] as const
    this.#keyring = new Keyring([...secrets], { issuer, audience: `${audience}/visitors` })
  }

  sign({ visitor, expiresAt }: VisitorClaims): Promise<string> {
    const { userId, name, metadata, generation } = visitor
    return this.#keyring.sign(userId, { name, metadata, gen: generation, typ: TYPE }, Math.floor(expiresAt / 1000))
  }

  async verify(token: string): Promise<VisitorClaims | undefined> {
    const claims = await this.#keyring.verify(token, Claims)
    if (claims === undefined) return undefined
    const { sub: userId, name, metadata, gen: generation, exp } = claims
    return { visitor: { kind: 'visitor', userId, name, metadata, generation }, expiresAt: exp * 1000 }
  }
}

/** What it signs is no other token of ours, and the other way round: not even by its claims. */
function ownSecret(secret: string): string {
  return new Bun.CryptoHasher('sha256', secret).update('parley visitor tokens').digest('hex')
}
