import { ErrorReply } from 'redis'
import { Refusal } from '../../domain/refusal.ts'
import { createRedisClient, type RedisClient } from './driver.ts'
import { thrownFor } from './faults.ts'
import type { Commands, Deliver, RedisWatcher, Subscriber } from './redis.ts'

const TICK_MS = 500
/** A command that is not answered within this many ticks ends its connection: a deadline of 2 to 2.5 seconds. */
const DEADLINE_TICKS = 4
const FIRST_CONNECT_MS = 5000

interface ConnectionWatcher extends RedisWatcher {
  /** A node of a cluster has ended the subscription: the channel's slot is another one's now. */
  moved?(channel: string): void
}

/** As one node of a cluster sees it. */
type ClusterView = { isOk: boolean; ranges: { from: number; to: number; address: string }[] }

/**
 * One connection to Redis that comes back by itself, for ever.
 *
 * Redis answers in order, so one look at a counter per tick tells whether the oldest command is overdue: that costs a
 * command two additions, where a timer each would cost more than the command. Ticks rather than clock time, so that a
 * process that was itself held up does not blame Redis.
 */
export class Connection implements Commands, Subscriber {
  readonly ordered = true
  readonly #client: RedisClient
  readonly #url: string
  readonly #timer: ReturnType<typeof setInterval>
  readonly #watchers: ConnectionWatcher[] = []
  readonly #first = Promise.withResolvers<void>()
  #up = false
  #sent = 0
  #settled = 0
  /** What `#sent` was at each of the last ticks, oldest first. */
  readonly #sentAt: number[] = []

  private constructor(url: string) {
    const client = createRedisClient(url, TICK_MS * DEADLINE_TICKS)
    this.#client = client
    this.#url = url
    client.on('ready', () => this.#back())
    client.on('sharded-channel-moved', (channel: string) => this.#moved(channel))
    client.on('error', (fault: unknown) => this.#lost(fault))
    client.on('end', () => this.#lost(undefined))
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
  }

  /** Throws an `Error` that names the server and the cause when it cannot be reached within about 5 seconds. */
  static async open(url: string): Promise<Connection> {
    const connection = new Connection(url)
    const client = connection.#client
    const giveUp = setTimeout(() => client.destroy(), FIRST_CONNECT_MS)
    // A wrong password: to ask again does not make it right.
    const refused = (fault: unknown) => fault instanceof ErrorReply && client.destroy()
    client.on('error', refused)
    try {
      await client.connect()
      return connection
    } catch (cause) {
      connection.close()
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`Redis at ${new URL(url).host} cannot be reached: ${reason}`, { cause })
    } finally {
      clearTimeout(giveUp)
      client.off('error', refused)
    }
  }

  /** Not connected yet: it will be, as soon as the server answers. */
  static begin(url: string): Connection {
    const connection = new Connection(url)
    connection.#client.connect().catch(ignore)
    return connection
  }

  /** Resolves when the server has answered for the first time; stays pending when it never does. */
  get connected(): Promise<void> {
    return this.#first.promise
  }

  get isUp(): boolean {
    return this.#client.isReady
  }

  call<T>(_key: string, command: (client: RedisClient) => Promise<T>): Promise<T> {
    return this.#call(command)
  }

  async #call<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    // node-redis would keep a SSUBSCRIBE for later instead of refusing it.
    this.mustBeUp()
    this.#sent += 1
    try {
      return await command(this.#client)
    } catch (fault) {
      throw thrownFor(fault)
    } finally {
      this.#settled += 1
    }
  }

  subscribe(channel: string, deliver: Deliver): Promise<void> {
    return this.#call((client) => client.sSubscribe(channel, deliver))
  }

  unsubscribe(channel: string, deliver: Deliver): Promise<void> {
    return this.#call((client) => client.sUnsubscribe(channel, deliver))
  }

  mustBeUp(): void {
    if (!this.#client.isReady) throw new Refusal('storage_unavailable', { cause: new Error('Redis is not connected') })
  }

  async ping(): Promise<void> {
    await this.#call((client) => client.ping())
  }

  /** Whether this server is a node of a Redis Cluster. One that may not be asked is taken for none. */
  async isInCluster(): Promise<boolean> {
    try {
      return (await this.#call((client) => client.info('cluster'))).includes('cluster_enabled:1')
    } catch (fault) {
      if (fault instanceof ErrorReply) return false
      throw fault
    }
  }

  async clusterView(): Promise<ClusterView> {
    const [told, slots] = await this.#call((client) => Promise.all([client.clusterInfo(), client.clusterSlots()]))
    // A node that was never told its own address leaves it out.
    const own = new URL(this.#url).hostname
    const ranges = slots.map(({ from, to, master: { host, port } }) => ({
      from,
      to,
      address: `${inUrl(host || own)}:${port}`,
    }))
    return { isOk: told.includes('cluster_state:ok'), ranges }
  }

  watch(watcher: ConnectionWatcher): void {
    this.#watchers.push(watcher)
  }

  /** What is in flight fails. Nobody is told: that is no loss. */
  close(): void {
    this.#up = false
    clearInterval(this.#timer)
    this.#client.destroy()
  }

  #tick(): void {
    if (!this.#client.isReady) {
      this.#sentAt.length = 0
      return
    }
    this.#sentAt.push(this.#sent)
    const due = this.#sentAt.length > DEADLINE_TICKS ? this.#sentAt.shift() : undefined
    if (due !== undefined && this.#settled < due) this.#reconnect()
    // An idle connection can be dead as well, and a subscriber would never notice.
    else if (this.#sent === this.#settled) this.ping().catch(ignore)
  }

  #reconnect(): void {
    this.#sentAt.length = 0
    this.#client.destroy()
    // Retries until it succeeds or is closed; the calls meanwhile say what is wrong.
    this.#client.connect().catch(ignore)
  }

  #moved(channel: string): void {
    for (const watcher of this.#watchers) watcher.moved?.(channel)
  }

  #back(): void {
    this.#up = true
    this.#first.resolve()
    for (const watcher of this.#watchers) watcher.back()
  }

  #lost(fault: unknown): void {
    // An error is also told of each vain attempt to reconnect.
    if (!this.#up || this.#client.isReady) return
    this.#up = false
    for (const watcher of this.#watchers) watcher.lost(fault)
  }
}

/** An IPv6 address is in brackets there. */
function inUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

function ignore(): void {}
