import type { Probe } from '../../domain/ports.ts'
import { Connection } from './connection.ts'

/** A Redis server (7 or later) as the adapters share it. */
export interface Redis extends Probe {
  /** Starts every key and channel, so that several products can share a server. */
  readonly prefix: string
  readonly commands: Connection
  /** Apart, so that a flood of events does not hold up the answers to commands. */
  readonly subscriber: Connection
  close(): void
}

/** Throws an `Error` to show to the operator when Redis cannot be reached within about 5 seconds. */
export async function connectRedis(url: string, { prefix = 'parley:' }: { prefix?: string } = {}): Promise<Redis> {
  const commands = await Connection.open(url)
  const subscriber = await Connection.open(url).catch((fault: unknown) => {
    commands.close()
    throw fault
  })
  return {
    prefix,
    commands,
    subscriber,
    async check() {
      await Promise.all([commands.ping(), subscriber.ping()])
    },
    close() {
      commands.close()
      subscriber.close()
    },
  }
}
