import type { ServerWebSocket } from 'bun'

/** What a server does with the nth socket that is opened. */
export type Act = (socket: ServerWebSocket<unknown>) => void

/** A server of sockets that does what it is told: one act for each connection, the last for all that follow. */
export function scriptedServer(...acts: Act[]) {
  const paths: string[] = []
  const closed = Promise.withResolvers<number>()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request, bun) {
      const { pathname, search } = new URL(request.url)
      paths.push(pathname + search)
      return bun.upgrade(request) ? undefined : new Response(null, { status: 426 })
    },
    websocket: {
      open: (socket) => (acts.length > 1 ? acts.shift() : acts[0])?.(socket),
      message() {},
      close: (_, code) => closed.resolve(code),
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    /** Of each connection so far. */
    paths,
    /** The code that the first socket to go was closed with. */
    closed: closed.promise,
    stop: () => server.stop(true),
  }
}
