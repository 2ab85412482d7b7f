import type { Role } from '../../contract/accounts.ts'
import type { Visitor } from './actor.ts'

/** What a valid access token of ours says. */
export type AccessClaims = { accountId: string; loginId: string /** Milliseconds since 1970. */; expiresAt: number }

/** Makes and reads our own access tokens. */
export interface AccessTokens {
  readonly lifetimeSeconds: number
  sign(claims: { accountId: string; loginId: string; role: Role }): Promise<string>
  /** `undefined` for a token that none of our keys made; throws `Refusal('token_invalid')` for one of ours that is no good. */
  verify(token: string): Promise<AccessClaims | undefined>
}

/** What a valid visitor token says. */
export type VisitorClaims = { visitor: Visitor /** Milliseconds since 1970. */; expiresAt: number }

/** Makes and reads the tokens of customers without an account. */
export interface VisitorTokens {
  sign(claims: VisitorClaims): Promise<string>
  /** `undefined` for a token that is none of these; throws `Refusal('token_invalid')` for one that is no good. */
  verify(token: string): Promise<VisitorClaims | undefined>
}

/** Who a token of the external issuer is about. */
export type ExternalIdentity = {
  issuer: string
  subject: string
  /** Only one that the issuer says it has verified. */
  email: string | null
  username: string | null
  fullName: string | null
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** Reads tokens of the issuer that the embedding product signs its users in with. */
export interface ExternalTokens {
  /** Throws `Refusal('token_invalid')`, or `Refusal('issuer_unavailable')` while the issuer's keys cannot be had. */
  verify(token: string): Promise<ExternalIdentity>
}

/** Slow on purpose: `Passwords` bounds how many run at once. */
export interface PasswordHasher {
  /** A hash that no password has, and that takes as long to verify as any. */
  readonly decoy: string
  hash(password: string): Promise<string>
  verify(password: string, hash: string): Promise<boolean>
}

/**
 * What is counted: `address` every call to register, sign in or refresh from one address in a minute; `register` the
 * registrations from one address in an hour; `password` the tries of one account's or name's password in 15 minutes.
 */
export type AttemptKind = 'address' | 'register' | 'password'
export type AttemptLimits = Readonly<Record<AttemptKind, number>>

/** Counts attempts, over all instances where they share a store. One that is away never keeps anybody out. */
export interface Attempts {
  /** Throws `Refusal('too_many_requests')` with its `retryAfter` when there were too many. */
  count(kind: AttemptKind, key: string): Promise<void>
  forget(kind: AttemptKind, key: string): Promise<void>
}
