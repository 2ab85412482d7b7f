import type { z } from 'zod'
import type { BenchServer, Ground } from '../harness/ground.ts'
import type { Measured } from '../harness/scenario.ts'
import { type HttpOrder, HttpOutcome } from '../load/orders.ts'

const HTTP_LOAD = new URL('../load/http.ts', import.meta.url)

type Order = Omit<z.input<typeof HttpOrder>, 'port'>
type Taken = { outcome: z.infer<typeof HttpOutcome>; note: string }

/** Sends an order of HTTP requests once, and tells what an answer cost the server. */
export async function sendOnce(ground: Ground, server: BenchServer, order: Order): Promise<Taken> {
  const cpu = await server.cpu()
  const outcome = await ground.load(HTTP_LOAD, { port: server.port, ...order }, HttpOutcome)
  const spent = ((await server.cpu()) - cpu) / outcome.answers
  const note = `${spent.toFixed(0)} µs of the server's CPU time and ${outcome.bytesPerAnswer.toFixed(0)} bytes an answer`
  return { outcome, note }
}

/** Measures answers a second. */
export function rate(ground: Ground, server: BenchServer, order: Order): () => Promise<Measured> {
  return async () => {
    const { outcome, note } = await sendOnce(ground, server, order)
    return { value: outcome.perSecond, note }
  }
}

/** Measures how long an answer takes, in milliseconds, while all connections wait for theirs. */
export function time(ground: Ground, server: BenchServer, order: Order): () => Promise<Measured> {
  return async () => {
    const { outcome, note } = await sendOnce(ground, server, order)
    return { value: (1000 * order.connections) / outcome.perSecond, note }
  }
}
