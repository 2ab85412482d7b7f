import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import postgres from 'postgres'
import { migrate } from '../../src/db/migrate.ts'
import { type Database, type DatabaseTarget, openDatabase } from '../../src/db/open.ts'

export type TestDatabase = {
  kind: DatabaseTarget['kind']
  /** A database of the caller's own, with our tables and no rows. Its `close` removes it. */
  open(): Promise<OpenedDatabase>
  /** The place of an empty one, not opened, without tables. */
  place(): Promise<{ target: DatabaseTarget; remove(): Promise<void> }>
}

export type OpenedDatabase = Database & { target: DatabaseTarget }

/** What a suite runs on: always the embedded database, and a server where TEST_DATABASE_URL names one. */
export function testDatabases(): TestDatabase[] {
  const server = process.env['TEST_DATABASE_URL']
  return server ? [embedded, onServer(server)] : [embedded]
}

const embedded: TestDatabase = {
  kind: 'embedded',
  async open() {
    const directory = await preparedDirectory()
    const target = { kind: 'embedded', directory } as const
    const remove = async () => rmSync(directory, { recursive: true, force: true })
    return opened(target, await openDatabase(target), remove)
  },
  async place() {
    const directory = temporaryDirectory()
    const remove = async () => rmSync(directory, { recursive: true, force: true })
    return { target: { kind: 'embedded', directory }, remove }
  },
}

/** A data directory with our tables that no process has open; it goes with `removeTemporaryDirectories`. */
export async function preparedDirectory(): Promise<string> {
  template ??= prepareTemplate()
  const directory = temporaryDirectory()
  cpSync(await template, directory, { recursive: true })
  return directory
}

let template: Promise<string> | undefined

/**
 * Finds or makes the directory that the others are copies of: a first start takes seconds, copying it a tenth of one. It
 * stays for the next run, under a name that tells its tables and its Postgres.
 */
async function prepareTemplate(): Promise<string> {
  const root = join(import.meta.dir, '..', '..')
  const cache = join(root, 'node_modules', '.cache', 'parley-test')
  const hash = new Bun.CryptoHasher('sha256')
  for (const migration of readMigrationFiles({ migrationsFolder: join(root, 'drizzle') })) hash.update(migration.hash)
  hash.update(await Bun.file(Bun.resolveSync('@electric-sql/pglite', root)).bytes())
  const directory = join(cache, hash.digest('hex').slice(0, 16))
  if (existsSync(directory)) return directory

  const fresh = `${directory}-${process.pid}`
  const database = await openDatabase({ kind: 'embedded', directory: fresh })
  await migrate(database)
  await database.close()
  try {
    renameSync(fresh, directory)
  } catch {
    // Another run has put its own there meanwhile.
    rmSync(fresh, { recursive: true, force: true })
  }
  return directory
}

const directories = new Set<string>()

/** An empty directory; it goes with `removeTemporaryDirectories`. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'parley-test-'))
  directories.add(directory)
  return directory
}

/** For the `afterAll` of a file that takes directories. (The runner has no event for its own end.) */
export function removeTemporaryDirectories(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
  directories.clear()
}

function onServer(server: string): TestDatabase {
  const place: TestDatabase['place'] = async () => {
    const name = `parley_test_${crypto.randomUUID().replaceAll('-', '')}`
    await administer(server, `CREATE DATABASE ${name}`)
    const url = new URL(server)
    url.pathname = name
    return {
      target: { kind: 'postgres', url: url.href, poolSize: 5 },
      remove: () => administer(server, `DROP DATABASE ${name} WITH (FORCE)`),
    }
  }
  return {
    kind: 'postgres',
    place,
    async open() {
      const { target, remove } = await place()
      const database = await openDatabase(target)
      await migrate(database)
      return opened(target, database, remove)
    },
  }
}

async function administer(server: string, statement: string): Promise<void> {
  const sql = postgres(server, { max: 1, onnotice: () => {} })
  try {
    await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

function opened(target: DatabaseTarget, database: Database, remove: () => Promise<void>): OpenedDatabase {
  return {
    ...database,
    target,
    async close() {
      await database.close()
      await remove()
    },
  }
}
