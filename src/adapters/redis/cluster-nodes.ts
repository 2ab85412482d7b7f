import { Refusal } from '../../domain/refusal.ts'
import { Connection } from './connection.ts'
import type { RedisWatcher } from './redis.ts'
import { SLOTS, slotOf } from './slot.ts'

/** Who has which slot is asked this often: of a change that touches no connection nobody tells. */
const ASK_MS = 1000
const FIRST_CONNECT_MS = 5000

/** Hears of a node's loss and return, and when slots have gone over to another one. */
interface NodesWatcher extends RedisWatcher {
  /** `channel`: its subscription was ended for that. */
  moved(channel?: string): void
}

/** A connection to each master of a Redis Cluster, and who has which slot. */
export class ClusterNodes {
  /** As the operator names the cluster: asked as well, for the day when all nodes have new addresses. */
  readonly #seed: Connection
  readonly #url: string
  readonly #timer: ReturnType<typeof setInterval>
  readonly #watchers: NodesWatcher[] = []
  /** By `host:port`. */
  readonly #nodes = new Map<string, Connection>()
  #slots: (Connection | undefined)[] = []
  #asked = 0
  #asking: Promise<void> | undefined

  private constructor(seed: Connection, url: string) {
    this.#seed = seed
    this.#url = url
    this.#timer = setInterval(() => void this.refresh(), ASK_MS)
    this.#timer.unref()
  }

  /** Throws an `Error` to show to the operator when the cluster, or a node of it, cannot be reached within 5 seconds. */
  static async open(url: string): Promise<ClusterNodes> {
    const nodes = new ClusterNodes(await Connection.open(url), url)
    await nodes.refresh()
    const late = Bun.sleep(FIRST_CONNECT_MS)
    await Promise.race([Promise.all([...nodes.#nodes.values()].map((node) => node.connected)), late])
    const away = [...nodes.#nodes].flatMap(([address, { isUp }]) => (isUp ? [] : [address]))
    if (nodes.#nodes.size > 0 && away.length === 0) return nodes
    nodes.close()
    throw new Error(
      away.length === 0
        ? `The Redis Cluster at ${new URL(url).host} has no slots yet: create it first (redis-cli --cluster create).`
        : `The Redis Cluster at ${new URL(url).host} names nodes that cannot be reached: ${away.join(', ')}.`,
    )
  }

  /** Throws `Refusal('storage_unavailable')` where nobody is known to have the key's slot. */
  nodeOf(key: string): Connection {
    const node = this.#slots[slotOf(key)]
    if (node === undefined) throw new Refusal('storage_unavailable', { cause: new Error('No Redis node has the slot') })
    return node
  }

  /** The node at an address that another one named; it may not be connected yet. */
  nodeAt(address: string): Connection {
    const known = this.#nodes.get(address)
    if (known !== undefined) return known
    const node = Connection.begin(urlOf(this.#url, address))
    this.#nodes.set(address, node)
    node.watch({
      lost: (fault) => {
        if (this.#nodes.get(address) !== node) return
        for (const watcher of this.#watchers) watcher.lost(fault)
        void this.refresh()
      },
      back: () => {
        for (const watcher of this.#watchers) watcher.back()
      },
      moved: (channel) => {
        for (const watcher of this.#watchers) watcher.moved(channel)
        void this.refresh()
      },
    })
    return node
  }

  /** Every slot is somebody's who answers. */
  get isWhole(): boolean {
    return this.#slots.length === SLOTS && this.#slots.every((node) => node?.isUp)
  }

  watch(watcher: NodesWatcher): void {
    this.#watchers.push(watcher)
  }

  /** Asks a node, another one each time, who has which slot. Never throws: what cannot be learned now, can be later. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async ping(): Promise<void> {
    await Promise.all([...new Set(this.#slots)].map((node) => node?.ping()))
  }

  close(): void {
    clearInterval(this.#timer)
    this.#seed.close()
    const nodes = [...this.#nodes.values()]
    this.#nodes.clear()
    for (const node of nodes) node.close()
  }

  async #ask(): Promise<void> {
    const askable = [this.#seed, ...this.#nodes.values()].filter(({ isUp }) => isUp)
    this.#asked += 1
    const asked = askable[this.#asked % askable.length]
    if (asked === undefined) return
    try {
      const { isOk, ranges } = await asked.clusterView()
      // A node that is cut off knows nothing of what the others have agreed on since.
      if (isOk || this.#slots.length === 0) this.#adopt(ranges)
    } catch {
      // Asked again soon, of another node.
    }
  }

  #adopt(ranges: readonly { from: number; to: number; address: string }[]): void {
    const slots = new Array<Connection | undefined>(SLOTS).fill(undefined)
    for (const { from, to, address } of ranges) slots.fill(this.nodeAt(address), from, to + 1)
    const before = this.#slots
    this.#slots = slots
    if (slots.some((node, slot) => node !== before[slot])) for (const watcher of this.#watchers) watcher.moved()
    const wanted = new Set(slots)
    for (const [address, node] of this.#nodes) {
      if (wanted.has(node)) continue
      this.#nodes.delete(address)
      node.close()
    }
  }
}

/** The same user, password and TLS at another address. */
function urlOf(url: string, address: string): string {
  const node = new URL(url)
  node.host = address
  return node.href
}
