// A process of its own for the tests of this folder: `bun process.ts DIRECTORY`. It opens the embedded database there,
// prints `open`, or the message of the fault, then takes one word a line: `insert` answers how many rows are
// acknowledged, `close` closes.
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/open.ts'

try {
  const database = await openDatabase({ kind: 'embedded', directory: process.argv[2] ?? '' })
  await migrate(database)
  await database.sql`CREATE TABLE IF NOT EXISTS kept (number int)`
  console.log('open')
  let rows = 0
  for await (const word of console) {
    if (word === 'close') {
      await database.close()
      break
    }
    await database.sql`INSERT INTO kept VALUES (${++rows})`
    console.log(String(rows))
  }
} catch (fault) {
  console.log(fault instanceof Error ? fault.message : String(fault))
  process.exit(1)
}
