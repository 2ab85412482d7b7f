import { createClient, ErrorReply } from 'redis'
import { Refusal } from '../../domain/refusal.ts'
import { thrownFor } from './faults.ts'
import { scripts } from './scripts.ts'

const TICK_MS = 500
/** A command that is not answered within this many ticks ends its connection: a deadline of 2 to 2.5 seconds. */
const DEADLINE_TICKS = 4
const SOCKET_TIMEOUT_MS = TICK_MS * DEADLINE_TICKS
const RECONNECT_MIN_MS = 50
const RECONNECT_MAX_MS = 500
const FIRST_CONNECT_MS = 5000

function createRedisClient(url: string) {
  return createClient({
    url,
    scripts,
    // The default puts an AbortSignal on every command, and it stops counting once the command is written.
    commandOptions: { timeout: 0 },
    disableClientInfo: true,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: SOCKET_TIMEOUT_MS,
      reconnectStrategy: (retries) => Math.min(RECONNECT_MIN_MS * 2 ** retries, RECONNECT_MAX_MS),
      // A server that accepts and says nothing: this covers the handshake. Later, writes would put it off.
      socketTimeout: SOCKET_TIMEOUT_MS,
    },
  })
}

export type RedisClient = ReturnType<typeof createRedisClient>

/** Hears a connection come and go. Synchronous, must not throw. */
interface ConnectionWatcher {
  lost(fault: unknown): void
  /** It works again; node-redis has renewed its subscriptions. */
  back(): void
}

/**
 * One connection to Redis that comes back by itself, for ever.
 *
 * Redis answers in order, so one look at a counter per tick tells whether the oldest command is overdue: that costs a
 * command two additions, where a timer each would cost more than the command. Ticks rather than clock time, so that a
 * process that was itself held up does not blame Redis.
 */
export class Connection {
  readonly #client: RedisClient
  readonly #timer: ReturnType<typeof setInterval>
  readonly #watchers: ConnectionWatcher[] = []
  #up = false
  #sent = 0
  #settled = 0
  /** What `#sent` was at each of the last ticks, oldest first. */
  readonly #sentAt: number[] = []

  private constructor(client: RedisClient) {
    this.#client = client
    client.on('ready', () => this.#back())
    client.on('error', (fault: unknown) => this.#lost(fault))
    client.on('end', () => this.#lost(undefined))
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
  }

  /** Throws an `Error` that names the server and the cause when it cannot be reached within about 5 seconds. */
  static async open(url: string): Promise<Connection> {
    const client = createRedisClient(url)
    const connection = new Connection(client)
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

  /** Commands called in the same tick leave together, in order. */
  async call<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
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

  mustBeUp(): void {
    if (!this.#client.isReady) throw new Refusal('storage_unavailable', { cause: new Error('Redis is not connected') })
  }

  async ping(): Promise<void> {
    await this.call((client) => client.ping())
  }

  watch(watcher: ConnectionWatcher): void {
    this.#watchers.push(watcher)
  }

  /** What is in flight fails. */
  close(): void {
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

  #back(): void {
    this.#up = true
    for (const watcher of this.#watchers) watcher.back()
  }

  #lost(fault: unknown): void {
    // An error is also told of each vain attempt to reconnect.
    if (!this.#up || this.#client.isReady) return
    this.#up = false
    for (const watcher of this.#watchers) watcher.lost(fault)
  }
}

function ignore(): void {}
