import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/** A product's own login: it signs tokens, and publishes its keys as a JWK set. */
export type TestIssuer = {
  url: string
  /** The environment of a server that takes its tokens. */
  env: Record<string, string>
  /** How often its keys were read. */
  reads: number
  /** What it answers with instead of its keys. */
  away: Response | undefined
  sign(
    claims: JWTPayload,
    change?: { alg?: string; key?: CryptoKey; kid?: string; issuer?: string; audience?: string },
  ): Promise<string>
  close(): Promise<void>
}

export async function startIssuer(alg = 'RS256'): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg, use: 'sig' }]
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch() {
      issuer.reads += 1
      return issuer.away?.clone() ?? Response.json({ keys })
    },
  })
  const url = `http://127.0.0.1:${server.port}`
  const issuer: TestIssuer = {
    url,
    env: { AUTH_JWKS_URL: `${url}/jwks.json`, AUTH_ISSUER: url, AUTH_AUDIENCE: 'chat' },
    reads: 0,
    away: undefined,
    sign: (claims, change = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: change.alg ?? alg, kid: change.kid ?? 'one' })
        .setIssuer(change.issuer ?? url)
        .setAudience(change.audience ?? 'chat')
        .setIssuedAt()
        .setExpirationTime(claims.exp ?? '5m')
        .sign(change.key ?? privateKey),
    close: () => server.stop(true),
  }
  return issuer
}
