import type { z } from 'zod'

/** What a load generator is asked for: JSON on its standard input. */
export async function readOrder<Order extends z.ZodType>(schema: Order): Promise<z.infer<Order>> {
  return schema.parse(await Bun.stdin.json())
}

/** A fault of the load or of the server under it ends the process: a figure taken beside it would mean nothing. */
export function fail(why: string): never {
  console.error(why)
  process.exit(1)
}
