import { Argon2 } from './adapters/argon2.ts'
import { CountedAttempts } from './adapters/attempts.ts'
import type { Redis } from './adapters/redis/redis.ts'
import { JwtAccessTokens } from './adapters/tokens/access.ts'
import { JwksTokens } from './adapters/tokens/external.ts'
import { JwtVisitorTokens } from './adapters/tokens/visitor.ts'
import type { Config } from './config.ts'
import type { Database } from './db/open.ts'
import { AccountStore } from './domain/accounts/account-store.ts'
import { Authenticator } from './domain/accounts/authenticator.ts'
import { ExternalAccounts } from './domain/accounts/external-accounts.ts'
import { Holders } from './domain/accounts/holders.ts'
import { LoginStore } from './domain/accounts/login-store.ts'
import { Logins } from './domain/accounts/logins.ts'
import { Passwords } from './domain/accounts/passwords.ts'
import { Revocations } from './domain/accounts/revocations.ts'
import { AccountService } from './domain/accounts/service.ts'
import { StandingStore } from './domain/accounts/standing-store.ts'
import { VisitorStore } from './domain/accounts/visitor-store.ts'
import { Visitors } from './domain/accounts/visitors.ts'
import type { Bus } from './domain/ports.ts'

/** Workers hash beside each other: each takes half of what a process does that is alone. */
const SHARED_MACHINE = { atOnce: 1, waiting: 32 }

export type AccountResources = {
  database: Database
  bus: Bus
  /** Counts attempts for all instances. Not set: this process counts its own. */
  redis?: Redis | undefined
  /** Signs access tokens. */
  secret: string
  passwords?: Passwords
}

/** Puts the accounts together. Until `revocations.start()` nothing of a token is remembered, and each is looked up. */
export function accountsOf(config: Config, { database, bus, redis, secret, ...own }: AccountResources): AccountService {
  const { jwt, externalIssuer, serviceKey, attempts } = config
  const accounts = new AccountStore(database)
  const revocations = new Revocations(bus)
  const tokens = new JwtAccessTokens({ ...jwt, secret, lifetimeSeconds: jwt.accessMinutes * 60 })
  const visitorTokens = new JwtVisitorTokens({ ...jwt, secret })
  const external = externalIssuer && new JwksTokens(externalIssuer)
  const parts = {
    accounts,
    logins: new LoginStore(database),
    passwords: own.passwords ?? new Passwords(new Argon2(), config.workers > 1 ? SHARED_MACHINE : undefined),
    tokens,
    attempts: new CountedAttempts(attempts, redis),
    revocations,
    refreshDays: jwt.refreshDays,
  }
  const standing = new StandingStore(database)
  const authenticator = new Authenticator(
    { tokens, visitors: visitorTokens, external, serviceKey },
    standing,
    new ExternalAccounts(accounts),
    revocations,
  )
  return new AccountService(parts, {
    logins: new Logins(parts),
    authenticator,
    holders: new Holders(standing, revocations, config.sockets.perAccount),
    visitors: new Visitors({ tokens: visitorTokens, store: new VisitorStore(database), revocations }),
  })
}
