import { MemoryBus } from '../../../src/adapters/memory/bus.ts'
import { readConfig } from '../../../src/config.ts'
import type { Database } from '../../../src/db/open.ts'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import { Passwords } from '../../../src/domain/accounts/passwords.ts'
import type { PasswordHasher } from '../../../src/domain/accounts/ports.ts'
import type { AccountService } from '../../../src/domain/accounts/service.ts'
import type { Bus } from '../../../src/domain/ports.ts'
import { Refusal } from '../../../src/domain/refusal.ts'
import { cheapHasher, NO_LIMITS, testAccounts } from '../../support/accounts.ts'
import { PASSWORD } from '../../support/person.ts'

/** The real hasher, and how often it was asked. */
export class CountingHasher implements PasswordHasher {
  readonly decoy = cheapHasher.decoy
  hashed = 0
  verified = 0

  hash(password: string): Promise<string> {
    this.hashed += 1
    return cheapHasher.hash(password)
  }

  verify(password: string, hash: string): Promise<boolean> {
    this.verified += 1
    return cheapHasher.verify(password, hash)
  }
}

export type World = { accounts: AccountService; hasher: CountingHasher; bus: Bus }

/** One instance's accounts. */
export async function openWorld(
  database: Database,
  { env = {}, bus = new MemoryBus() }: { env?: Record<string, string>; bus?: Bus } = {},
): Promise<World> {
  const hasher = new CountingHasher()
  const config = readConfig({ ...NO_LIMITS, ...env })
  const accounts = testAccounts(config, database, bus, new Passwords(hasher, { atOnce: 2, waiting: 100 }))
  await accounts.revocations.start()
  return { accounts, hasher, bus }
}

/** A draft that nobody else has. */
export function newcomer(name = 'person') {
  const username = `${name}-${crypto.randomUUID().slice(0, 8)}`
  return { username, email: `${username}@example.com`, password: PASSWORD }
}

export function actorOf({ accounts }: World, token: string): Promise<Actor> {
  return accounts.authenticator.authenticate({ token, apiKey: null, onBehalfOf: null })
}

/** The reason of the refusal that it ends with; anything else that it throws is thrown on. */
export async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (fault) {
    if (fault instanceof Refusal) return fault.reason
    throw fault
  }
}
