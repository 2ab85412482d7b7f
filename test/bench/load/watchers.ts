import { randomBytes } from 'node:crypto'
import type { Socket } from 'bun'
import { measureDeliveries, Poster, placeholder } from './deliveries.ts'
import { clientFrame } from './live-socket.ts'
import { fail, readOrder } from './order.ts'
import { WatchOrder } from './orders.ts'
import { Watcher } from './watcher.ts'

// A load generator for sockets that all watch one session, in a process of its own; the first of them post to it as well.
//
// It has to take a million frames a second on one core that it shares, so it is not a WebSocket client: it opens plain
// sockets and knows that all events of a run have the same length (see watcher.ts). A poster has `window` messages under
// way and posts the next when one of its own comes back: as many at once as keep the server busy, and never so many that
// its queues overflow.

const order = await readOrder(WatchOrder)
const { port, path, watchers, window, contentLength } = order

const all: Watcher[] = []
let stopped = false

const frame = clientFrame({ role: 'user', content: placeholder(contentLength) })
const posters = Array.from({ length: order.posters }, (_, index) => new Poster(index, frame))
const joined: Promise<Socket<Watcher>>[] = []
for (let index = 0; index < watchers; index += 1) {
  const { promise, resolve } = Promise.withResolvers<Socket<Watcher>>()
  const watcher = new Watcher(posters.length, index)
  all.push(watcher)
  joined.push(promise)
  await Bun.connect<Watcher>({
    hostname: '127.0.0.1',
    port,
    data: watcher,
    socket: {
      open: (socket) => {
        const key = randomBytes(16).toString('base64')
        socket.write(
          `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
            `sec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
        )
      },
      data: (socket, chunk) => {
        const own = watcher.receive(chunk)
        if (watcher.joined) resolve(socket)
        if (!stopped) posters[index]?.post(socket, own)
      },
      close: () => {
        if (!stopped) fail('The server closed a socket.')
      },
      error: (_, error) => {
        fail(`A socket failed: ${error.message}`)
      },
    },
  })
}

const sockets = await Promise.all(joined)
for (const [index, socket] of sockets.entries()) posters[index]?.post(socket, window)

const outcome = await measureDeliveries(order, posters, all, () => {
  stopped = true
})
console.log(JSON.stringify(outcome))
process.exit(0)
