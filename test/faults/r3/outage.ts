import { connectPlain, type PrivateRedis } from '../../support/redis.ts'
import { until } from '../../support/wait.ts'

/** Emptied: killed, and everything that it knew is gone. Kept: killed, and it comes back with what it knew. Flushed: never away. */
export type Loss = 'emptied' | 'kept' | 'flushed'

/** Takes Redis away from the servers while `meanwhile` goes on. Resolves when it is back. */
export async function lose(redis: PrivateRedis, loss: Loss, meanwhile: () => Promise<void>): Promise<void> {
  await order(redis, loss === 'kept' ? 'SAVE' : 'FLUSHALL')
  if (loss === 'flushed') return meanwhile()
  await redis.kill()
  await meanwhile()
  await redis.restart()
  if (loss === 'emptied') await order(redis, 'FLUSHALL')
}

async function order(redis: PrivateRedis, command: 'SAVE' | 'FLUSHALL'): Promise<void> {
  const client = await connectPlain(redis.url)
  try {
    await until(async () => (await client.ping()) === 'PONG', 'Redis to have loaded what it knew')
    await client.sendCommand([command])
  } finally {
    client.destroy()
  }
}
