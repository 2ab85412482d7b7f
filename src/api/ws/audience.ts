import type { Connection } from './connection.ts'

/** A native topic, and the sockets that watch it here. */
export interface Audience {
  readonly name: string
  readonly watchers: Iterable<Connection>
}

export interface Publisher {
  /** Sends a frame to every socket that is subscribed to the topic; those that do not keep up are closed. */
  publish(audience: Audience, frame: string): void
}
