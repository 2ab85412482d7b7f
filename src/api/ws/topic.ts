import type { CloseName } from '../../contract/close-codes.ts'
import type { Bus } from '../../domain/ports.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { Audience, Publisher } from './audience.ts'
import type { Connection } from './connection.ts'

/** What sockets of one dialect see of one bus channel. */
export interface Feed {
  channel: string
  /** The native topic: unlike any other feed's. */
  topic: string
  /** A bus payload as the frame to send, with its position. Called once, however many sockets watch. */
  encode(payload: string): { position: number; frame: string }
  /** The state right now, as the first frames of a new watcher. */
  snapshot(): Promise<{ position: number; frames: readonly string[] }>
}

/** Frames that may wait for a watcher whose snapshot is being read. */
const PENDING_MAX = 1000

type Joiner = { pending: { position: number; frame: string }[] /** The snapshot's, once sent. */; position?: number }

/**
 * The sockets that watch one feed in this process. A socket joins in three steps, which leave no gap and tell nothing
 * twice: the bus is subscribed; the snapshot is read while events wait for it; and the socket moves onto the native topic
 * with the first event that is newer than its snapshot, since older ones may still be on their way to this process.
 */
export class Topic implements Audience {
  readonly #feed: Feed
  readonly #publisher: Publisher
  readonly #watchers = new Set<Connection>()
  readonly #joining = new Map<Connection, Joiner>()
  readonly #live: Promise<() => void>
  #lost = false

  /** `onEnd`: nobody can join any more, since the bus was lost or could not be reached. A later watcher needs a new topic. */
  constructor(bus: Bus, publisher: Publisher, feed: Feed, onEnd: () => void) {
    this.#feed = feed
    this.#publisher = publisher
    this.#live = bus.subscribe(feed.channel, {
      message: (payload) => this.#deliver(payload),
      lost: () => {
        onEnd()
        this.#abandon('storage_unavailable')
      },
    })
    this.#live.catch(onEnd)
  }

  get name(): string {
    return this.#feed.topic
  }

  get watchers(): ReadonlySet<Connection> {
    return this.#watchers
  }

  get empty(): boolean {
    return this.#watchers.size === 0
  }

  async join(connection: Connection): Promise<void> {
    const joiner: Joiner = { pending: [] }
    this.#watchers.add(connection)
    this.#joining.set(connection, joiner)
    await this.#live
    const snapshot = await this.#feed.snapshot()
    if (this.#lost) throw new Refusal('storage_unavailable')
    if (connection.ended) return
    for (const frame of snapshot.frames) connection.send(frame)
    joiner.position = snapshot.position
    for (const event of joiner.pending) this.#advance(connection, joiner.position, event)
    joiner.pending = []
  }

  leave(connection: Connection): void {
    this.#watchers.delete(connection)
    this.#joining.delete(connection)
  }

  /** The bus is left; nothing else happens to the watchers. */
  async close(): Promise<void> {
    const unsubscribe = await this.#live.catch(() => undefined)
    unsubscribe?.()
  }

  #deliver(payload: string): void {
    if (this.#lost) return
    const event = this.#feed.encode(payload)
    this.#publisher.publish(this, event.frame)
    for (const [connection, joiner] of this.#joining) {
      if (joiner.position !== undefined) this.#advance(connection, joiner.position, event)
      else if (joiner.pending.push(event) > PENDING_MAX) connection.end('too_slow')
    }
  }

  /** Gives a joining socket an event; from the first newer than its snapshot on, the native topic does. */
  #advance(connection: Connection, position: number, event: { position: number; frame: string }): void {
    if (event.position <= position) return
    connection.send(event.frame)
    if (!this.#joining.delete(connection)) return
    connection.subscribe(this.#feed.topic)
  }

  #abandon(why: CloseName): void {
    this.#lost = true
    // Else it would come back with the bus, and tell everything twice beside the topic that took its place.
    void this.close()
    for (const connection of [...this.#watchers]) connection.end(why)
  }
}
