import { accountsOf } from './accounts.ts'
import { MemoryBus } from './adapters/memory/bus.ts'
import type { Config } from './config.ts'
import { Email, Password, Username } from './contract/accounts.ts'
import { DatabaseFault } from './db/fault.ts'
import { migrate } from './db/migrate.ts'
import { type Database, openDatabase } from './db/open.ts'
import type { AccountService, NewAccount } from './domain/accounts/service.ts'
import { Refusal } from './domain/refusal.ts'

const USAGE = 'Usage: bun run admin create EMAIL [USERNAME]'

/**
 * `bun run admin`: what only who runs the server may do. Resolves to what to print; throws an `Error` to print. `ask` asks
 * for a new password, where there is somebody to ask.
 */
export async function administer(
  config: Config,
  args: readonly string[],
  ask: () => string | undefined,
): Promise<string> {
  const [command, email, username, ...more] = args
  if (command !== 'create' || email === undefined || more.length > 0) throw new Error(USAGE)
  const asked = ask()
  const draft = adminDraft(email, username, asked ?? randomPassword())
  const database = await openForAdmin(config)
  try {
    await migrate(database)
    // Signs no token.
    const accounts = accountsOf(config, { database, bus: new MemoryBus(), secret: crypto.randomUUID() })
    const { username: name } = await accounts.createAdmin(draft)
    const told =
      asked === undefined ? `Its password, shown this once: ${draft.password}` : 'Its password is the one you gave.'
    return `Made the admin ${name} (${draft.email}). ${told}`
  } catch (fault) {
    throw fault instanceof Refusal ? new Error(`${fault.message}: nothing was made.`) : fault
  } finally {
    await database.close()
  }
}

/** Makes the admin of the environment where there is none. Resolves to what to tell about it. */
export async function makeFirstAdmin(accounts: AccountService, { firstAdmin }: Config): Promise<string | undefined> {
  if (firstAdmin === undefined) return undefined
  const { email, username, password } = firstAdmin
  try {
    const made = await accounts.createFirstAdmin(adminDraft(email, username, password))
    return made && `made the first admin, ${made.username}`
  } catch (fault) {
    if (!(fault instanceof Refusal && /_taken$/.test(fault.reason))) throw fault
    // Also where another instance was a moment earlier. An account is never made an admin for having registered first.
    return 'made no admin: an account has the email of ADMIN_EMAIL or the name of ADMIN_USERNAME already'
  }
}

function adminDraft(email: string, username: string | undefined, password: string): NewAccount {
  return {
    email: valid(Email.safeParse(email), 'email'),
    username: valid(Username.safeParse(username ?? email.trim().split('@')[0]), 'username'),
    password: valid(Password.safeParse(password), 'password'),
  }
}

type Parsed = { success: true; data: string } | { success: false; error: { issues: { message: string }[] } }

function valid(parsed: Parsed, what: string): string {
  if (parsed.success) return parsed.data
  throw new Error(`The ${what} cannot be used. ${parsed.error.issues[0]?.message ?? ''}`)
}

async function openForAdmin({ database }: Config): Promise<Database> {
  try {
    return await openDatabase(database)
  } catch (fault) {
    if (!(fault instanceof DatabaseFault && fault.kind === 'locked')) throw fault
    throw new Error(
      `${fault.message} With the embedded database either the server runs or this command: or set ADMIN_EMAIL and ADMIN_PASSWORD for the server's next start.`,
      { cause: fault },
    )
  }
}

function randomPassword(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('base64url')
}
