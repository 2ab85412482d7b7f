import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { accountsOf } from '../../src/accounts.ts'
import { Argon2 } from '../../src/adapters/argon2.ts'
import type { Config } from '../../src/config.ts'
import { deadlines } from '../../src/db/deadline.ts'
import type { Database } from '../../src/db/open.ts'
import { Passwords } from '../../src/domain/accounts/passwords.ts'
import type { AccountService } from '../../src/domain/accounts/service.ts'
import type { Bus } from '../../src/domain/ports.ts'

export const TEST_SECRET = 'a-key-of-tests-and-of-nothing-else-at-all'

/** Argon2id at its cheapest. */
export const cheapHasher = new Argon2({ memory: 8, passes: 1 })

/** Room for every test of a file: what limits attempts has tests of its own. */
export const NO_LIMITS = {
  LIMIT_AUTH_PER_MINUTE: '1000000',
  LIMIT_REGISTER_PER_HOUR: '1000000',
  LIMIT_PASSWORD_TRIES: '1000000',
}

/** The real accounts, but for the cost of a hash. */
export function testAccounts(
  config: Config,
  database: Database,
  bus: Bus,
  passwords = new Passwords(cheapHasher),
): AccountService {
  return accountsOf(config, { database, bus, passwords, secret: config.jwt.secret ?? TEST_SECRET })
}

/** For servers whose tests need none: the first query fails. */
export function absentDatabase(): Database {
  // The driver connects when it is first asked.
  const sql = postgres({ host: '127.0.0.1', port: 1, connect_timeout: 1 })
  const within = deadlines()
  const absent = () => Promise.reject(new Error('This test has no database.'))
  return {
    sql,
    orm: drizzle(sql),
    within,
    description: 'no database',
    check: absent,
    snapshot: absent,
    patiently: absent,
    maintain: absent,
    close: () => sql.end(),
  }
}
