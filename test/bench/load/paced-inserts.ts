import postgres from 'postgres'
import { readOrder } from './order.ts'
import { PacedOrder } from './orders.ts'

// What the disk and the database make of one small row at a time, at a steady pace: no durable post is stored sooner.

const { databaseUrl, rows, everyMs } = await readOrder(PacedOrder)

const sql = postgres(databaseUrl, { max: 10, onnotice: () => {} })
await sql`CREATE TABLE IF NOT EXISTS paced (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content text NOT NULL)`
const took: number[] = []
const inserting = Array.from({ length: rows }, async (_, number) => {
  await Bun.sleep(number * everyMs)
  const begun = performance.now()
  await sql`INSERT INTO paced (content) VALUES (${String(number)})`
  took.push(performance.now() - begun)
})
await Promise.all(inserting)
await sql.end()

// The first tenth warms up.
const measured = took.slice(Math.ceil(rows / 10)).toSorted((a, b) => a - b)
const at = (part: number) => measured[Math.floor((measured.length - 1) * part)] ?? 0
console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99) }))
process.exit(0)
