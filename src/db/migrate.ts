import { fileURLToPath } from 'node:url'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import type { Sql, TransactionSql } from 'postgres'
import { codeOf, DatabaseFault, messageOf } from './fault.ts'
import type { Database } from './open.ts'

const MIGRATIONS = fileURLToPath(new URL('../../drizzle', import.meta.url))
/** Names our advisory lock among those that share the database. */
const LOCK = 7_277_539

/**
 * Brings the tables up to date, all or nothing, in one transaction under an advisory lock: of instances that start at
 * once, one migrates and the others find it done. With nothing to do it is one small query. Throws `DatabaseFault`.
 * The record is Drizzle's own table, so that drizzle-kit reads it too.
 */
export async function migrate(database: Pick<Database, 'sql' | 'patiently'>, folder = MIGRATIONS): Promise<void> {
  const known = readMigrationFiles({ migrationsFolder: folder })
  if (pendingOf(known, await appliedTo(database.sql)).length === 0) return
  await database.patiently((sql) =>
    sql.begin(async (transaction) => {
      await transaction`SELECT pg_advisory_xact_lock(${LOCK})`
      await transaction.unsafe('CREATE SCHEMA IF NOT EXISTS drizzle')
      await transaction.unsafe(`CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations
        (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)`)
      for (const migration of pendingOf(known, await appliedTo(transaction))) await apply(transaction, migration)
    }),
  )
}

/** The hashes of the migrations that the database has, oldest first. */
async function appliedTo(sql: Sql | TransactionSql): Promise<string[]> {
  try {
    const rows = await sql<{ hash: string }[]>`SELECT hash FROM drizzle.__drizzle_migrations ORDER BY created_at, id`
    return rows.map((row) => row.hash)
  } catch (fault) {
    // No such table: a new database.
    if (codeOf(fault) === '42P01' || codeOf(fault) === '3F000') return []
    throw fault
  }
}

function pendingOf(known: MigrationMeta[], applied: string[]): MigrationMeta[] {
  if (applied.every((hash, index) => known[index]?.hash === hash)) return known.slice(applied.length)
  throw new DatabaseFault(
    'newer',
    'The database has migrations that this version of Parley does not know: ' +
      'a newer one made it, or one was edited since. Run that version, or restore a backup made before it.',
  )
}

async function apply(transaction: TransactionSql, migration: MigrationMeta): Promise<void> {
  try {
    for (const statement of migration.sql) await transaction.unsafe(statement)
    await transaction`INSERT INTO drizzle.__drizzle_migrations (hash, created_at)
      VALUES (${migration.hash}, ${migration.folderMillis})`
  } catch (fault) {
    const made = new Date(migration.folderMillis).toISOString()
    throw new DatabaseFault(
      'migration',
      `The migration of ${made} failed and nothing of it was kept: ${messageOf(fault)}.`,
      { cause: fault },
    )
  }
}
