import { connectPlain, type PrivateRedis, startRedis } from './redis.ts'
import { until } from './wait.ts'

/** Three masters, and maybe a replica each, of the test's own. */
export interface PrivateCluster {
  /** Of the first node. */
  readonly url: string
  readonly masters: readonly PrivateRedis[]
  /** `replicas[n]` is of `masters[n]`. */
  readonly replicas: readonly PrivateRedis[]
  /** Gives a slot to another master, with what is in it. */
  moveSlot(slot: number, from: PrivateRedis, to: PrivateRedis): Promise<void>
  stop(): Promise<void>
}

const SLOTS = 16_384

export async function startRedisCluster({
  replicas: perMaster = 0,
}: {
  replicas?: 0 | 1
} = {}): Promise<PrivateCluster> {
  const [first, ...rest] = await Promise.all([startNode(), startNode(), startNode()])
  const masters = [first, ...rest]
  const replicas = await Promise.all(perMaster === 0 ? [] : masters.map(startNode))
  const nodes = [...masters, ...replicas]
  for (const [index, master] of masters.entries()) {
    const [from, to] = [Math.floor((index * SLOTS) / 3), Math.floor(((index + 1) * SLOTS) / 3) - 1]
    await tell(master, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
  }
  for (const { url, clusterPort } of nodes.slice(1)) {
    const { hostname, port } = new URL(url)
    await tell(first, 'CLUSTER', 'MEET', hostname, port, String(clusterPort))
  }
  await until(async () => (await Promise.all(nodes.map(isOk(nodes.length)))).every(Boolean), 'the cluster to be ok')
  for (const [index, replica] of replicas.entries()) {
    const master = masters[index] ?? first
    await tell(replica, 'CLUSTER', 'REPLICATE', await idOf(master))
    await until(async () => (await tell(replica, 'INFO', 'replication')).includes('master_link_status:up'), 'a replica')
  }
  const knowsReplicas = async (node: PrivateRedis) =>
    (await tell(node, 'CLUSTER', 'NODES')).match(/\bslave\b/g)?.length === replicas.length
  if (replicas.length > 0)
    await until(async () => (await Promise.all(nodes.map(knowsReplicas))).every(Boolean), 'all to know the replicas')
  return {
    url: first.url,
    masters,
    replicas,
    async moveSlot(slot, from, to) {
      const [fromId, toId] = [await idOf(from), await idOf(to)]
      const { hostname, port } = new URL(to.url)
      await tell(to, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId)
      await tell(from, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId)
      const keys = (await tell(from, 'CLUSTER', 'GETKEYSINSLOT', String(slot), '1000')).split('\n').filter(Boolean)
      if (keys.length > 0) await tell(from, 'MIGRATE', hostname, port, '', '0', '5000', 'KEYS', ...keys)
      for (const node of [to, from]) await tell(node, 'CLUSTER', 'SETSLOT', String(slot), 'NODE', toId)
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

function startNode(): Promise<PrivateRedis> {
  return startRedis('node')
}

/** Sends one command; the answer as text, a line per entry. */
export async function tell({ url }: PrivateRedis, ...command: string[]): Promise<string> {
  const client = await connectPlain(url)
  try {
    const reply: unknown = await client.sendCommand(command)
    return Array.isArray(reply) ? reply.join('\n') : String(reply)
  } finally {
    client.destroy()
  }
}

function idOf(node: PrivateRedis): Promise<string> {
  return tell(node, 'CLUSTER', 'MYID')
}

function isOk(size: number) {
  return async (node: PrivateRedis): Promise<boolean> => {
    const told = await tell(node, 'CLUSTER', 'INFO')
    return told.includes('cluster_state:ok') && told.includes(`cluster_known_nodes:${size}`)
  }
}
