import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { eq, sql as text } from 'drizzle-orm'
import { users } from '../../src/db/schema.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'

setDefaultTimeout(60_000)

describe.each(testDatabases())('an open database: $kind', ({ open }) => {
  let database: OpenedDatabase
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())

  test('answers the probe, and says where it is', async () => {
    await database.check()
    expect(database.description).toMatch(/^(embedded Postgres in .+\/|Postgres at .+:\d+\/parley_test_.+)$/)
  })

  test('keeps what Drizzle writes: times in milliseconds, words, nothing', async () => {
    const id = Bun.randomUUIDv7()
    const created = '2026-01-02 03:04:05.678+00'
    const { orm } = database
    await orm.insert(users).values({ id, email: 'Ann@example.com', username: 'ann', created_at: created })
    const [ann] = await orm.select().from(users).where(eq(users.id, id))
    expect(ann).toMatchObject({ role: 'user', is_active: true, password_hash: null, created_at: created })
  })

  test('takes arrays, so that one statement writes many rows', async () => {
    const rows = await database.sql.unsafe(
      'SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS t (id, word, number)',
      [
        [Bun.randomUUIDv7(), Bun.randomUUIDv7()],
        ['a, "b"', 'c\\{}'],
        [1, 2],
      ],
      { prepare: true },
    )
    expect(rows.map((row) => row['word'])).toEqual(['a, "b"', 'c\\{}'])
  })

  test('never mixes up the answers of queries that run at once', async () => {
    const numbers = Array.from({ length: 500 }, (_, index) => index)
    const answers = await Promise.all(numbers.map((number) => database.sql`SELECT ${number}::int AS number`))
    expect(answers.map(([row]) => row?.['number'])).toEqual(numbers)
  })

  test('passes the errors of SQL on as they are', async () => {
    const ask = database.within(() => database.sql`SELECT 1 / 0`)
    expect(ask).rejects.toMatchObject({ code: '22012' })
  })

  test('keeps nothing of a transaction that fails, and goes on', async () => {
    const { orm, sql } = database
    const failing = orm.transaction(async (transaction) => {
      await transaction.execute(text`CREATE TABLE half (id int)`)
      await transaction.transaction((nested) => nested.execute(text`INSERT INTO half VALUES (1)`))
      throw new Error('changed my mind')
    })
    expect(failing).rejects.toThrow('changed my mind')
    await failing.catch(() => {})
    const [row] = await sql`SELECT to_regclass('half') AS half`
    expect(row?.['half']).toBeNull()
  })

  test('keeps what an inner transaction did before one that failed', async () => {
    const { orm, sql } = database
    await orm.transaction(async (transaction) => {
      await transaction.execute(text`CREATE TABLE whole (id int)`)
      const inner = transaction.transaction(async (nested) => {
        await nested.execute(text`INSERT INTO whole VALUES (1)`)
        throw new Error('only this')
      })
      await inner.catch(() => {})
      await transaction.execute(text`INSERT INTO whole VALUES (2)`)
    })
    const rows = await sql`SELECT id FROM whole`
    expect(rows.map((row) => row['id'])).toEqual([2])
  })

  test('runs long work patiently', async () => {
    const timeout = await database.patiently((sql) => sql`SHOW statement_timeout`)
    expect(timeout[0]?.['statement_timeout']).toBe('0')
  })
})
