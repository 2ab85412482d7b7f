import type { Server } from 'bun'
import type { Bus } from '../../domain/ports.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { OriginRule } from '../plugins/origins.ts'
import { Connection, type Dialect } from './connection.ts'
import { type Feed, Topic } from './topic.ts'

/** Bun's own settings for every socket of the server. */
export const SOCKET_SETTINGS = {
  /** Bytes. A frame between this and FRAME_MAX gets an error frame; a longer one ends its socket with 1009. */
  maxPayloadLength: 1_048_576,
  /** Bytes that may wait for a slow reader. Past it the socket is closed, and the reader comes back for what it missed. */
  backpressureLimit: 1_048_576,
  closeOnBackpressureLimit: true,
  /** Seconds until a silent peer is taken for gone; Bun pings in between, and the answer counts as a sign of life. */
  idleTimeout: 40,
  sendPings: true,
}

/** Every socket of this process, and the topics they watch. */
export class Hub {
  readonly #bus: Bus
  readonly #originAllowed: OriginRule
  readonly #topics = new Map<string, Topic>()
  /** Each open socket with what it watches. */
  readonly #watched = new Map<Connection, Set<Topic>>()
  #server: Server<Connection> | undefined
  #closing: PromiseWithResolvers<void> | undefined

  constructor(bus: Bus, originAllowed: OriginRule) {
    this.#bus = bus
    this.#originAllowed = originAllowed
  }

  /** Turns a request into a socket. Browsers tell their page's origin, which must be an allowed one. */
  upgrade(request: Request, server: Server<unknown> | null, dialect: Dialect): void {
    const origin = request.headers.get('origin')
    if (origin !== null && !this.#originAllowed(origin)) throw new Refusal('origin_forbidden')
    if (this.#closing !== undefined) throw new Refusal('restarting')
    // Elysia does not know what its sockets carry: all of them are made here, with a Connection.
    this.#server ??= (server as Server<Connection> | null) ?? undefined
    const connection = new Connection(dialect, (gone) => this.#forget(gone))
    this.#watched.set(connection, new Set())
    if (this.#server?.upgrade(request, { data: connection })) return
    this.#watched.delete(connection)
    throw new Refusal('upgrade_required')
  }

  /**
   * Sends the feed's snapshot to the socket, then every newer event. Throws `Refusal('storage_unavailable')` when the bus
   * or the store is away.
   */
  async join(connection: Connection, feed: Feed): Promise<void> {
    const watched = this.#watched.get(connection)
    if (watched === undefined || this.#server === undefined) return
    const topic = this.#topics.get(feed.topic) ?? this.#open(this.#server, feed)
    watched.add(topic)
    await topic.join(connection)
  }

  /** Closes every socket with 1012 and takes no more. Resolves when all are gone. */
  async close(): Promise<void> {
    this.#closing = Promise.withResolvers()
    for (const connection of [...this.#watched.keys()]) connection.end('restart')
    if (this.#watched.size > 0) await this.#closing.promise
  }

  #open(server: Server<Connection>, feed: Feed): Topic {
    const topic = new Topic(this.#bus, server, feed, () => this.#drop(feed.topic, topic))
    this.#topics.set(feed.topic, topic)
    return topic
  }

  /** Another topic may have taken its name meanwhile. */
  #drop(name: string, topic: Topic): void {
    if (this.#topics.get(name) === topic) this.#topics.delete(name)
  }

  #forget(connection: Connection): void {
    for (const topic of this.#watched.get(connection) ?? []) {
      topic.leave(connection)
      if (!topic.empty) continue
      this.#drop(topic.name, topic)
      void topic.close()
    }
    this.#watched.delete(connection)
    if (this.#watched.size === 0) this.#closing?.resolve()
  }
}
