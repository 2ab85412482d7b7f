import type { Server } from 'bun'
import type { Participant } from '../../domain/accounts/actor.ts'
import type { Identity } from '../../domain/accounts/authenticator.ts'
import type { Held, Holders } from '../../domain/accounts/holders.ts'
import type { Bus } from '../../domain/ports.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { OriginRule } from '../plugins/origins.ts'
import type { Audience, Publisher } from './audience.ts'
import { Connection, type ConnectionKeeper, type Dialect } from './connection.ts'
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

/** What a socket's request tells of who opens it. */
export type Opening = {
  /** Not set: nobody's, on a public API; or not yet known. */
  identity?: Identity<Participant> | undefined
  /** See `callerAddress`. */
  address: string
}

/** How often readers that do not keep up are looked for. */
const PACE_MS = 1000
/**
 * UTF-16 code units that one topic is told between two looks at those who watch it, and that all topics together are told
 * between two looks at those who were told: one reader may watch many topics, each of which is told little.
 */
const TOPIC_PACE_LENGTH = 16_384
const PACE_LENGTH = 196_608

type Known = { address: string; topics?: Set<Topic>; held?: Held }

/** Every socket of this process, and the topics they watch. */
export class Hub implements Publisher, ConnectionKeeper {
  readonly #bus: Bus
  readonly #holders: Holders
  readonly #originAllowed: OriginRule
  readonly #perAddress: number
  readonly #topics = new Map<string, Topic>()
  readonly #connections = new Map<Connection, Known>()
  readonly #byAddress = new Map<string, number>()
  readonly #timer: ReturnType<typeof setInterval>
  /** How much the topics were told, and all together, since their readers were last looked at. */
  readonly #toldTopics = new Map<Audience, number>()
  #told = 0
  #server: Server<Connection> | undefined
  #closing: PromiseWithResolvers<void> | undefined

  constructor(parts: { bus: Bus; holders: Holders; originAllowed: OriginRule; perAddress: number }) {
    this.#bus = parts.bus
    this.#holders = parts.holders
    this.#originAllowed = parts.originAllowed
    this.#perAddress = parts.perAddress
    this.#timer = setInterval(() => this.#keepPace(this.#connections.keys()), PACE_MS)
    this.#timer.unref()
  }

  /** Turns a request into a socket. Browsers tell their page's origin, which must be an allowed one. */
  upgrade(request: Request, server: Server<unknown> | null, dialect: Dialect, { identity, address }: Opening): void {
    const origin = request.headers.get('origin')
    if (origin !== null && !this.#originAllowed(origin)) throw new Refusal('origin_forbidden')
    if (this.#closing !== undefined) throw new Refusal('restarting')
    const sockets = this.#byAddress.get(address) ?? 0
    if (sockets >= this.#perAddress) throw new Refusal('too_many_sockets')
    // Elysia does not know what its sockets carry: all of them are made here, with a Connection.
    this.#server ??= (server as Server<Connection> | null) ?? undefined
    const connection = new Connection(dialect, this)
    this.#connections.set(connection, { address })
    this.#byAddress.set(address, sockets + 1)
    try {
      if (identity !== undefined) this.identify(connection, identity)
      if (this.#server?.upgrade(request, { data: connection })) return
    } catch (refused) {
      this.closed(connection)
      throw refused
    }
    this.closed(connection)
    throw new Refusal('upgrade_required')
  }

  /**
   * The socket is this caller's from now on, until the token ends: in place of whose it was. Throws
   * `Refusal('too_many_sockets')`.
   */
  identify(connection: Connection, identity: Identity<Participant>): void {
    const known = this.#connections.get(connection)
    if (known === undefined) return
    known.held?.release()
    delete known.held
    known.held = this.#holders.hold(identity, connection)
  }

  /**
   * Sends the feed's snapshot to the socket, then every newer event. Throws `Refusal('storage_unavailable')` when the bus
   * or the store is away.
   */
  async join(connection: Connection, feed: Feed): Promise<void> {
    const known = this.#connections.get(connection)
    if (known === undefined) return
    const topic = this.#topics.get(feed.topic) ?? this.#open(feed)
    known.topics ??= new Set()
    known.topics.add(topic)
    await topic.join(connection)
  }

  publish(audience: Audience, frame: string): void {
    this.#server?.publish(audience.name, frame)
    const told = (this.#toldTopics.get(audience) ?? 0) + frame.length
    this.#told += frame.length
    if (this.#told >= PACE_LENGTH) {
      const topics = [...this.#toldTopics.set(audience, told).keys()]
      this.#toldTopics.clear()
      this.#told = 0
      for (const { watchers } of topics) this.#keepPace(watchers)
    } else if (told >= TOPIC_PACE_LENGTH) {
      this.#toldTopics.delete(audience)
      this.#keepPace(audience.watchers)
    } else this.#toldTopics.set(audience, told)
  }

  /** Called by a connection, and for one that never came to be. */
  closed(connection: Connection): void {
    const known = this.#connections.get(connection)
    if (known === undefined) return
    this.#connections.delete(connection)
    known.held?.release()
    const left = (this.#byAddress.get(known.address) ?? 0) - 1
    if (left > 0) this.#byAddress.set(known.address, left)
    else this.#byAddress.delete(known.address)
    for (const topic of known.topics ?? []) {
      topic.leave(connection)
      if (!topic.empty) continue
      this.#drop(topic.name, topic)
      void topic.close()
    }
    if (this.#connections.size === 0) this.#closing?.resolve()
  }

  /** Closes every socket with 1012 and takes no more. Resolves when all are gone. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing = Promise.withResolvers()
    for (const connection of [...this.#connections.keys()]) connection.end('restart')
    if (this.#connections.size > 0) await this.#closing.promise
  }

  #open(feed: Feed): Topic {
    const topic = new Topic(this.#bus, this, feed, () => this.#drop(feed.topic, topic))
    this.#topics.set(feed.topic, topic)
    return topic
  }

  /** Another topic may have taken its name meanwhile. */
  #drop(name: string, topic: Topic): void {
    if (this.#topics.get(name) === topic) this.#topics.delete(name)
  }

  #keepPace(connections: Iterable<Connection>): void {
    for (const connection of connections) connection.keepPace()
  }
}
