import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { scansOf } from '../domain/chats/scans.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`on ${kind}`, () => {
    let database: OpenedDatabase
    beforeAll(async () => {
      database = await open()
    })
    afterAll(() => database.close())

    test('cleaning up leaves what is there, and fresh statistics', async () => {
      await database.sql`CREATE TABLE words AS SELECT number FROM generate_series(1, 1000) AS number`
      await database.maintain()
      const [counted] = await database.sql`SELECT count(*)::int AS count FROM words`
      expect(counted).toEqual({ count: 1000 })
      if (kind !== 'embedded') return
      const [known] = await database.sql`SELECT reltuples::int AS count FROM pg_class WHERE relname = 'words'`
      expect(known).toEqual({ count: 1000 })
    })

    // Elsewhere the server sees by the minute how its tables grow.
    if (kind === 'embedded') {
      test('what was read while next to nothing was there to clean up is looked up by its key from then on', async () => {
        await database.sql`CREATE TABLE kept AS SELECT 1 AS id`
        await database.sql`ALTER TABLE kept ADD PRIMARY KEY (id)`
        await database.maintain()
        const read = () => database.sql`SELECT id FROM kept WHERE id = ${1}::integer`
        for (let time = 0; time < 8; time += 1) await read()
        await database.sql`INSERT INTO kept SELECT generate_series(2, 1000)`
        expect(await scansOf(database, read)).toEqual({ whole: [], indexes: ['kept_pkey'], entries: 1 })
      })
    }

    // The embedded engine ends no statement for its time.
    if (kind === 'embedded') return
    test('a statement that takes too long is a store that is away, not a bug', async () => {
      const slow = database.within(() =>
        database.sql.begin(async (transaction) => {
          await transaction`SET LOCAL statement_timeout = 20`
          await transaction`SELECT pg_sleep(30)`
        }),
      )
      await expect(slow).rejects.toThrow(expect.objectContaining({ reason: 'storage_unavailable' }))
      const [row] = await database.sql`SELECT 1 AS one`
      expect(row).toEqual({ one: 1 })
    })
  })
}
