import type { ServerWebSocket } from 'bun'

/** What a server does with the nth socket that is opened. Where it returns a function, that is told of every frame. */
export type Act = (socket: ServerWebSocket<unknown>) => unknown

/** A server of sockets that does what it is told: one act for each connection, the last for all that follow. */
export function scriptedServer(...acts: Act[]) {
  const paths: string[] = []
  const heard = new Map<unknown, (text: string) => unknown>()
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
      open(socket) {
        const hears = (acts.length > 1 ? acts.shift() : acts[0])?.(socket)
        if (typeof hears === 'function') heard.set(socket, (text) => hears(text))
      },
      message: (socket, text) => void heard.get(socket)?.(String(text)),
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
