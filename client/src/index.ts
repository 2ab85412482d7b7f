export type { App } from '../../src/app.types.ts'
// biome-ignore lint/performance/noBarrelFile: the package's entry
export { type Client, type ClientOptions, createClient, type Token } from './client.ts'
export { type ErrorReason, ParleyError, unwrap } from './errors.ts'
export { SocketClosed, type SocketOptions } from './frames.ts'
export { type SessionWatch, type WatchOptions, watchSession } from './watch-session.ts'
