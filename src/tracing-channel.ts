import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

// Bun 1.4 lacks `TracingChannel.hasSubscribers`, by which node-redis and pino know that nobody traces them. Without it they
// put together what a tracer would be told, for every command and every line. This is Node's property.

const prototype: object = Object.getPrototypeOf(tracingChannel('parley'))

if (!('hasSubscribers' in prototype)) {
  Object.defineProperty(prototype, 'hasSubscribers', {
    configurable: true,
    get(this: TracingChannel): boolean {
      const { start, end, asyncStart, asyncEnd, error } = this
      return (
        start.hasSubscribers ||
        end.hasSubscribers ||
        asyncStart.hasSubscribers ||
        asyncEnd.hasSubscribers ||
        error.hasSubscribers
      )
    },
  })
}
