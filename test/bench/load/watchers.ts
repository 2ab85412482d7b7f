import { randomBytes } from 'node:crypto'
import type { Socket } from 'bun'
import { fail, readOrder } from './order.ts'
import { WatchOrder } from './orders.ts'
import { Watcher } from './watcher.ts'

// A load generator for sockets that all watch one session, in a process of its own; the first of them post to it as well.
//
// It has to take a million frames a second on one core that it shares, so it is not a WebSocket client: it opens plain
// sockets and knows that all events of a run have the same length (see watcher.ts). A poster has `window` messages under
// way and posts the next when one of its own comes back: as many at once as keep the server busy, and never so many that
// its queues overflow.

const { port, path, watchers, posters, window, contentLength, warmMs, measureMs } = await readOrder(WatchOrder)

type Poster = { sent: number; frame: Buffer; marker: number }

const all: Watcher[] = []
let stopped = false

/** A masked frame of the client's; the mask is zero, so that the text may be changed in place. */
function posterFrame(): Omit<Poster, 'sent'> {
  const body = JSON.stringify({ role: 'user', content: '0'.repeat(contentLength) })
  const head = Buffer.from([0x81, 0x80 | 126, body.length >> 8, body.length & 0xff, 0, 0, 0, 0])
  const frame = Buffer.concat([head, Buffer.from(body)])
  return { frame, marker: frame.indexOf('000') }
}

function post(socket: Socket<Watcher>, poster: number, state: Poster, count: number): void {
  const batch = Buffer.allocUnsafe(state.frame.length * count)
  for (let index = 0; index < count; index += 1) {
    state.frame.write(Watcher.mark(poster, state.sent), state.marker, 'latin1')
    state.frame.copy(batch, index * state.frame.length)
    state.sent += 1
  }
  if (count > 0 && socket.write(batch) !== batch.length) fail('Posts were not taken whole.')
}

const states: Poster[] = Array.from({ length: posters }, () => ({ sent: 0, ...posterFrame() }))
const joined: Promise<Socket<Watcher>>[] = []
for (let index = 0; index < watchers; index += 1) {
  const { promise, resolve } = Promise.withResolvers<Socket<Watcher>>()
  const watcher = new Watcher(posters, index)
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
        const state = states[index]
        if (state !== undefined && own > 0 && !stopped) post(socket, index, state, own)
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
for (const [index, state] of states.entries()) {
  const socket = sockets[index]
  if (socket !== undefined) post(socket, index, state, window)
}

const delivered = () => all.reduce((sum, { received }) => sum + received, 0)
await Bun.sleep(warmMs)
const before = { delivered: delivered(), at: performance.now() }
await Bun.sleep(measureMs)
const deliveriesPerSecond = ((delivered() - before.delivered) * 1000) / (performance.now() - before.at)

stopped = true
const messages = states.reduce((sum, { sent }) => sum + sent, 0)
const deadline = performance.now() + 10_000
while (delivered() < messages * watchers && performance.now() < deadline) await Bun.sleep(20)
const short = all.filter(({ received }) => received !== messages).length
if (short > 0) fail(`${short} of ${watchers} watchers did not get the ${messages} messages.`)
if (new Set(all.map(({ order }) => order)).size > 1) fail('Watchers saw the messages in different orders.')
console.log(JSON.stringify({ messages, deliveriesPerSecond, frameBytes: all[0]?.frameBytes ?? 0 }))
process.exit(0)
