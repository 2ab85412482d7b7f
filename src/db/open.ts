import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Sql, TransactionSql } from 'postgres'
import { deadlines, type Within } from './deadline.ts'
import { type Connecting, connectDriver } from './driver.ts'
import { startEngine } from './embedded.ts'
import { DatabaseFault, serverFault } from './fault.ts'
import type { TlsMode } from './wire.ts'

export type DatabaseTarget =
  | { kind: 'postgres'; url: string; poolSize: number }
  | { kind: 'embedded'; directory: string }

/** The oldest Postgres whose SQL we speak: 15, with `UNIQUE NULLS NOT DISTINCT`. */
const OLDEST_VERSION = 150_000
/** Under the callers' deadline, so that a slow statement ends by itself and its connection lives on. */
const STATEMENT_TIMEOUT_MS = 4500

/** How long a server may take to let us in. */
const OPEN_MS = 5000

export type Database = {
  /**
   * The driver: for statements that Drizzle has no words for. Dates go in and come out as ISO text, JSON goes in as text.
   * Embedded there is one connection: inside a transaction use its handle alone, else it waits for itself.
   */
  sql: Sql
  orm: PostgresJsDatabase
  /** Every query of a store goes through it: see `deadlines`. */
  within: Within
  /** Reads, through the database that `work` is given, of one and the same state of everything. It may read, not write. */
  snapshot<T>(work: (view: Database) => Promise<T>): Promise<T>
  /** One line: what it is and where. */
  description: string
  /** Resolves when the database answers in time. */
  check(): Promise<void>
  /** Runs work that may take long, on one connection with no deadline: migrations, maintenance. */
  patiently<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** What a server does by itself (autovacuum): for the embedded database, now and then. */
  maintain(): Promise<void>
  close(): Promise<void>
}

/** Opens the database, within about 5 seconds (a first embedded start takes some more). Throws `DatabaseFault`. */
export function openDatabase(target: DatabaseTarget): Promise<Database> {
  return target.kind === 'postgres' ? openServer(target.url, target.poolSize) : openEmbedded(target.directory)
}

async function openServer(url: string, poolSize: number): Promise<Database> {
  const { place, tls } = parseAddress(url)
  const session = { application_name: 'parley', TimeZone: 'UTC' }
  const options: Connecting = {
    silence: true,
    tls,
    max: poolSize,
    connection: {
      ...session,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: 2 * STATEMENT_TIMEOUT_MS,
    },
  }
  const driver = connectDriver(url, options)
  try {
    await inTime(assertRecent(driver.sql, place))
  } catch (fault) {
    await driver.end()
    throw fault instanceof DatabaseFault ? fault : serverFault(fault, place)
  }
  const within = deadlines()
  const database: Database = {
    sql: driver.sql,
    orm: drizzle(driver.sql),
    within,
    snapshot: (work) => within(() => inSnapshot(database, work)),
    description: `Postgres at ${place}`,
    check: () => within(() => ping(driver.sql)),
    async patiently(work) {
      const own = connectDriver(url, { ...options, silence: false, max: 1, connection: session })
      try {
        return await work(own.sql)
      } finally {
        await own.end()
      }
    },
    async maintain() {},
    close: () => driver.end(),
  }
  return database
}

async function openEmbedded(directory: string): Promise<Database> {
  const engine = await startEngine(directory)
  const { sql, end } = connectDriver(undefined, {
    silence: false,
    tls: 'disable',
    path: engine.socket,
    user: 'postgres',
    database: 'postgres',
    password: '',
    // Exactly one, and for good: the engine mixes up the answers of two.
    max: 1,
    max_lifetime: null,
    idle_timeout: 0,
    target_session_attrs: undefined,
    connection: { application_name: 'parley' },
  })
  // Plans are kept, and a server that cleans up hourly may have made them for tables with next to nothing in them: there
  // reading all of one seems as good as a look-up, and is what would be done until the hour is over.
  try {
    await sql`SET enable_seqscan = off`
  } catch (fault) {
    await end()
    await engine.close()
    throw fault
  }
  const inTime = deadlines()
  const within: Within = (work) =>
    inTime(() => {
      engine.assertAlive()
      return work()
    })
  const database: Database = {
    sql,
    orm: drizzle(sql),
    within,
    snapshot: (work) => within(() => inSnapshot(database, work)),
    description: `embedded Postgres in ${directory.replace(/\/*$/, '/')}`,
    check: () => within(() => ping(sql)),
    patiently: (work) => work(sql),
    async maintain() {
      engine.assertAlive()
      await sql`VACUUM (ANALYZE)`
    },
    async close() {
      await end()
      await engine.close()
    },
  }
  return database
}

async function inSnapshot<T>(database: Database, work: (view: Database) => Promise<T>): Promise<T> {
  const { options } = database.sql
  const read = async (transaction: TransactionSql) => {
    // A handle of a transaction lacks nothing that a store calls; Drizzle looks for the options, which it shares.
    const sql = Object.assign(transaction, { options }) as unknown as Sql
    return { result: await work({ ...database, sql, orm: drizzle(sql), within: async (query) => query() }) }
  }
  return (await database.sql.begin('ISOLATION LEVEL REPEATABLE READ READ ONLY', read)).result
}

async function ping(sql: Sql): Promise<void> {
  await sql`SELECT 1`
}

async function assertRecent(sql: Sql, place: string): Promise<void> {
  const [row] = await sql<{ number: number; name: string }[]>`
    SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS name`
  if (row && row.number >= OLDEST_VERSION) return
  throw new DatabaseFault('old', `Postgres at ${place} is version ${row?.name}. Parley needs 15 or newer: upgrade it.`)
}

/** For a server that hangs up again and again: the driver would try for ever. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(Object.assign(new Error('no answer'), { code: 'CONNECT_TIMEOUT' })),
    OPEN_MS,
  )
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function parseAddress(url: string): { place: string; tls: TlsMode } {
  const parsed = URL.parse(url)
  if (!(parsed && /^postgres(ql)?:$/.test(parsed.protocol))) {
    throw new DatabaseFault('address', 'DATABASE_URL is not of the form postgres://user:password@host:port/name.')
  }
  const host = decodeURIComponent(parsed.hostname) || 'localhost'
  const name = decodeURIComponent(parsed.pathname.slice(1)) || decodeURIComponent(parsed.username)
  return { place: `${host}:${parsed.port || 5432}/${name}`, tls: tlsOf(parsed.searchParams) }
}

function tlsOf(search: URLSearchParams): TlsMode {
  const mode = search.get('sslmode') ?? search.get('ssl') ?? 'disable'
  switch (mode) {
    case 'disable':
    case 'prefer':
    case 'require':
    case 'verify-full':
      return mode
    case 'false':
      return 'disable'
    case 'allow':
      return 'prefer'
    case 'true':
      return 'require'
    case 'verify-ca':
      return 'verify-full'
    default:
      throw new DatabaseFault(
        'address',
        'DATABASE_URL has an unknown sslmode: use disable, prefer, require or verify-full.',
      )
  }
}
