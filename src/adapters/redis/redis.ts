import type { Probe } from '../../domain/ports.ts'
import type { RedisClient } from './driver.ts'

/** A Redis (7 or later), one server or a cluster, as the adapters share it. */
export interface Redis extends Probe {
  /** Starts every key and channel, so that several products can share a server. */
  readonly prefix: string
  readonly commands: Commands
  /** Apart, so that a flood of events does not hold up the answers to commands. */
  readonly subscriber: Subscriber
  close(): void
}

/** Hears Redis, or a part of it, come and go. Synchronous, must not throw. */
export interface RedisWatcher {
  lost(fault: unknown): void
  /** It works again, and the subscriptions have been renewed. */
  back(): void
}

interface Watched {
  watch(watcher: RedisWatcher): void
}

/** Throws `Refusal('storage_unavailable')` within 2.5 seconds where Redis does not answer. */
export interface Commands extends Watched {
  /** Calls the server that has the key, and so all keys and channels with the same text in braces. */
  call<T>(key: string, command: (client: RedisClient) => Promise<T>): Promise<T>
  /** Whether the commands of one tick are carried out in order, whatever their keys are. */
  readonly ordered: boolean
}

export type Deliver = (payload: string, channel: string) => void

/** Fails as `Commands` do. */
export interface Subscriber extends Watched {
  /** It stays, whatever becomes of the connection, until it is ended with the same `deliver`. */
  subscribe(channel: string, deliver: Deliver): Promise<void>
  unsubscribe(channel: string, deliver: Deliver): Promise<void>
  /** Throws unless what is published on the channel from now on is heard. */
  mustBeUp(channel: string): void
}
