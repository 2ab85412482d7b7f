import { ErrorReply } from 'redis'
import { Refusal } from '../../domain/refusal.ts'
import type { ClusterNodes } from './cluster-nodes.ts'
import type { Connection } from './connection.ts'
import type { RedisClient } from './driver.ts'
import type { Commands, Deliver, RedisWatcher, Subscriber } from './redis.ts'
import { scripts } from './scripts.ts'

/** A command is sent on so often, when nodes say that another one has its slot. */
const REDIRECTS_MAX = 5
/** As long as a command may take to be refused. */
const CONNECT_MS = 2000

/** Sends each command to the node that has its key. */
export class ClusterCommands implements Commands {
  readonly ordered = false
  readonly #nodes: ClusterNodes

  constructor(nodes: ClusterNodes) {
    this.#nodes = nodes
  }

  call<T>(key: string, command: (client: RedisClient) => Promise<T>): Promise<T> {
    return redirected(this.#nodes, key, (node, asking) =>
      node.call(key, asking ? (client) => askThen(client, command) : command),
    )
  }

  watch(watcher: RedisWatcher): void {
    const nodes = this.#nodes
    const changed = () => {
      if (nodes.isWhole) watcher.back()
      else watcher.lost(new Error('A part of the Redis Cluster is away'))
    }
    nodes.watch({ lost: (fault) => watcher.lost(fault), back: changed, moved: changed })
  }

  ping(): Promise<void> {
    return this.#nodes.ping()
  }

  close(): void {
    this.#nodes.close()
  }
}

/** Between two tries to listen to a channel whose node is away, or whose slot is moving. */
const AGAIN_MS = 500

/** A channel that is listened to, and at which node. */
class Listening {
  node: Connection | undefined
  readonly #deliver: Deliver
  readonly #ears = new WeakMap<Connection, Deliver>()

  constructor(deliver: Deliver) {
    this.#deliver = deliver
  }

  /** What listens at a node, always the same. A node that had the slot before may still pass on what it hears. */
  ear(node: Connection): Deliver {
    const known = this.#ears.get(node)
    if (known !== undefined) return known
    const ear: Deliver = (payload, channel) => {
      if (this.node === node) this.#deliver(payload, channel)
    }
    this.#ears.set(node, ear)
    return ear
  }
}

/** Listens to each channel at the node that has its slot, and moves along with it. */
export class ClusterSubscriber implements Subscriber {
  readonly #nodes: ClusterNodes
  readonly #watchers: RedisWatcher[] = []
  readonly #channels = new Map<string, Listening>()
  #settling: Promise<void> | undefined
  #again = false
  /** Something may have been missed, which nobody has been told of. */
  #gap = false
  #closed = false

  constructor(nodes: ClusterNodes) {
    this.#nodes = nodes
    const changed = () => {
      this.#gap = true
      this.#settle()
    }
    nodes.watch({
      lost: (fault) => {
        for (const watcher of this.#watchers) watcher.lost(fault)
      },
      back: changed,
      moved: (channel) => {
        const listening = channel === undefined ? undefined : this.#channels.get(channel)
        if (listening !== undefined) listening.node = undefined
        changed()
      },
    })
  }

  async subscribe(channel: string, deliver: Deliver): Promise<void> {
    const listening = new Listening(deliver)
    this.#channels.set(channel, listening)
    try {
      await redirected(this.#nodes, channel, (node) => this.#listen(channel, listening, node))
    } catch (fault) {
      this.#channels.delete(channel)
      throw fault
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    const listening = this.#channels.get(channel)
    if (listening === undefined) return
    const { node } = listening
    await node?.unsubscribe(channel, listening.ear(node))
    this.#channels.delete(channel)
  }

  mustBeUp(channel: string): void {
    const node = this.#nodes.nodeOf(channel)
    node.mustBeUp()
    const listening = this.#channels.get(channel)
    if (listening === undefined || listening.node === node) return
    throw new Refusal('storage_unavailable', { cause: new Error('The channel is moving to another Redis node') })
  }

  watch(watcher: RedisWatcher): void {
    this.#watchers.push(watcher)
  }

  ping(): Promise<void> {
    return this.#nodes.ping()
  }

  close(): void {
    this.#closed = true
    this.#nodes.close()
  }

  /** At this node and at no other. Where node-redis listens there already, nothing is sent. */
  async #listen(channel: string, listening: Listening, node: Connection): Promise<void> {
    const left = listening.node
    if (left !== node) {
      listening.node = undefined
      left?.unsubscribe(channel, listening.ear(left)).catch(ignore)
    }
    await node.subscribe(channel, listening.ear(node))
    if (this.#channels.get(channel) !== listening) {
      // Nobody wants it any more.
      await node.unsubscribe(channel, listening.ear(node))
      return
    }
    listening.node = node
  }

  /** Brings every channel to where it belongs now, then tells that there may be a gap behind. */
  #settle(): void {
    this.#again = true
    this.#settling ??= this.#settleAll().finally(() => {
      this.#settling = undefined
    })
  }

  async #settleAll(): Promise<void> {
    while (this.#again) {
      this.#again = false
      await Promise.allSettled([...this.#channels].map((entry) => this.#place(...entry)))
    }
    if (this.#closed) return
    const settled = [...this.#channels.values()].every(({ node }) => node !== undefined)
    if (!settled) setTimeout(() => this.#settle(), AGAIN_MS).unref()
    if (!this.#gap) return
    this.#gap = false
    const whole = settled && this.#nodes.isWhole
    for (const watcher of this.#watchers) {
      if (whole) watcher.back()
      else watcher.lost(new Error('A part of the Redis Cluster is away'))
    }
  }

  async #place(channel: string, listening: Listening): Promise<void> {
    const node = this.#nodes.nodeOf(channel)
    const moves = listening.node !== node
    await this.#listen(channel, listening, node)
    if (moves) this.#gap = true
  }
}

/** Calls the node that has the key, and follows where nodes point to. */
async function redirected<T>(
  nodes: ClusterNodes,
  key: string,
  call: (node: Connection, asking: boolean) => Promise<T>,
): Promise<T> {
  let node = nodes.nodeOf(key)
  let asking = false
  for (let redirects = 0; ; redirects += 1) {
    try {
      return await call(node, asking)
    } catch (fault) {
      const redirect = redirectOf(fault)
      if (redirect === undefined) throw fault
      if (redirects === REDIRECTS_MAX) throw new Refusal('storage_unavailable', { cause: fault })
      asking = redirect.asking
      node = nodes.nodeAt(redirect.address)
      if (!asking) void nodes.refresh()
      await Promise.race([node.connected, Bun.sleep(CONNECT_MS)])
    }
  }
}

function redirectOf(fault: unknown): { asking: boolean; address: string } | undefined {
  if (!(fault instanceof ErrorReply)) return undefined
  const [, kind, address] = /^(MOVED|ASK) \d+ (\S+:\d+)$/.exec(fault.message) ?? []
  return address === undefined ? undefined : { asking: kind === 'ASK', address }
}

/** For a slot on its way to this node. The permission is good for one command, so that must not be "load the script first". */
async function askThen<T>(client: RedisClient, command: (client: RedisClient) => Promise<T>): Promise<T> {
  await Promise.all(Object.values(scripts).map(({ SCRIPT }) => client.scriptLoad(SCRIPT)))
  const [, reply] = await Promise.all([client.asking(), command(client)])
  return reply
}

function ignore(): void {}
