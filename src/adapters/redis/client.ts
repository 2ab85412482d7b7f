import { Connection } from './connection.ts'
import type { Commands, Redis, Subscriber } from './redis.ts'

/** As much as there is to either side of a server, and of a cluster. */
type Part = { ping(): Promise<void>; close(): void }

/**
 * Connects to a server, or, where that is a node of a Redis Cluster, to the whole of it. Throws an `Error` to show to the
 * operator when Redis cannot be reached within about 5 seconds.
 */
export async function connectRedis(url: string, { prefix = 'parley:' }: { prefix?: string } = {}): Promise<Redis> {
  const first = await Connection.open(url)
  const [inCluster, second] = await settled([first.isInCluster(), Connection.open(url)], () => first.close())
  if (!inCluster) return redisOf(prefix, first, second)
  first.close()
  second.close()
  // Loaded where there is one alone: it would take from the time to start.
  const [{ ClusterNodes }, { ClusterCommands, ClusterSubscriber }] = await Promise.all([
    import('./cluster-nodes.ts'),
    import('./cluster.ts'),
  ])
  const commands = await ClusterNodes.open(url)
  const [subscriber] = await settled([ClusterNodes.open(url)], () => commands.close())
  return redisOf(prefix, new ClusterCommands(commands), new ClusterSubscriber(subscriber))
}

async function settled<T extends readonly unknown[]>(
  work: readonly [...{ [K in keyof T]: Promise<T[K]> }],
  undo: () => void,
): Promise<T> {
  try {
    return await Promise.all(work)
  } catch (fault) {
    undo()
    throw fault
  }
}

function redisOf(prefix: string, commands: Commands & Part, subscriber: Subscriber & Part): Redis {
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
