import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '../../src/db/migrate.ts'
import { type Database, openDatabase } from '../../src/db/open.ts'
import { pendingChanges } from '../project/migrations.ts'
import { removeTemporaryDirectories, temporaryDirectory, testDatabases } from '../support/database.ts'

setDefaultTimeout(60_000)

const FOLDER = join(import.meta.dir, '../../drizzle')

afterAll(removeTemporaryDirectories)

/** A copy of the migrations with one more. */
function withMigration(statements: string): string {
  const folder = temporaryDirectory()
  cpSync(FOLDER, folder, { recursive: true })
  const file = join(folder, 'meta', '_journal.json')
  const journal = JSON.parse(readFileSync(file, 'utf8'))
  const last = journal.entries.at(-1)
  journal.entries.push({ ...last, idx: last.idx + 1, when: last.when + 1000, tag: 'one_more' })
  writeFileSync(file, JSON.stringify(journal))
  writeFileSync(join(folder, 'one_more.sql'), statements)
  return folder
}

describe.each(testDatabases())('migrating: $kind', ({ kind, place }) => {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })

  async function emptyDatabase(instances = 1): Promise<Database[]> {
    const { target, remove } = await place()
    cleanups.push(remove)
    const databases = await Promise.all(Array.from({ length: instances }, () => openDatabase(target)))
    for (const database of databases) cleanups.push(() => database.close())
    return databases
  }

  async function only(): Promise<Database> {
    const [database] = await emptyDatabase()
    if (!database) throw new Error('no database')
    return database
  }

  async function applied({ sql }: Database): Promise<number> {
    const [row] = await sql`SELECT count(*)::int AS count FROM drizzle.__drizzle_migrations`
    return Number(row?.['count'])
  }

  const migrations = readdirSync(FOLDER).filter((name) => name.endsWith('.sql')).length

  test('happens once, however often and by however many it is asked for', async () => {
    const instances = await emptyDatabase(kind === 'embedded' ? 1 : 5)
    await Promise.all(instances.flatMap((database) => [migrate(database), migrate(database)]))
    for (const database of instances) {
      await migrate(database)
      expect(await applied(database)).toBe(migrations)
    }
  })

  test('asks one query when there is nothing to do', async () => {
    const database = await only()
    await migrate(database)
    const patiently = () => Promise.reject(new Error('there is nothing to do'))
    await migrate({ sql: database.sql, patiently })
  })

  test('goes on where it was, and keeps nothing of a migration that fails', async () => {
    const database = await only()
    await migrate(database)
    const broken = withMigration('CREATE TABLE half (id int);\n--> statement-breakpoint\nSELECT 1 / 0;')
    const failing = migrate(database, broken)
    expect(failing).rejects.toMatchObject({ kind: 'migration' })
    expect(failing).rejects.toThrow(/nothing of it was kept: division by zero/)
    await failing.catch(() => {})
    const [row] = await database.sql`SELECT to_regclass('half') AS half`
    expect(row?.['half']).toBeNull()

    await migrate(database, withMigration('CREATE TABLE whole (id int);'))
    expect(await applied(database)).toBe(migrations + 1)
  })

  test('refuses a database that a newer version made', async () => {
    const database = await only()
    await migrate(database, withMigration('CREATE TABLE newer (id int);'))
    const older = migrate(database)
    expect(older).rejects.toMatchObject({ kind: 'newer' })
    await older.catch(() => {})
    expect(await applied(database)).toBe(migrations + 1)
  })
})

test('the migrations make what the schema says', () => {
  expect(pendingChanges()).toBeUndefined()
})
