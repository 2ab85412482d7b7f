import type { Socket } from 'bun'
import { clientFrame, openLive } from './live-socket.ts'
import { LiveWatcher } from './live-watcher.ts'
import { fail, readOrder } from './order.ts'
import { LiveOrder } from './orders.ts'

// As watchers.ts, for the live socket: all watch one chat, and the first of them post to it over the same socket. A poster
// has `window` messages under way and posts the next when one of its own comes back.

const order = await readOrder(LiveOrder)
const { ports, headers, chatId, watchers, posters, window, contentLength, warmMs, measureMs } = order

type Poster = { sent: number; frame: Buffer; marker: number }

let stopped = false
const all: LiveWatcher[] = []

function newPoster(): Poster {
  const frame = clientFrame({ type: 'post', id: '1', chat_id: chatId, content: '#'.repeat(contentLength) })
  return { sent: 0, frame, marker: frame.indexOf('###') }
}

function post(socket: Socket<LiveWatcher>, poster: number, state: Poster, count: number): void {
  const batch = Buffer.allocUnsafe(state.frame.length * count)
  for (let index = 0; index < count; index += 1) {
    state.frame.write(LiveWatcher.mark(poster, state.sent), state.marker, 'latin1')
    state.frame.copy(batch, index * state.frame.length)
    state.sent += 1
  }
  if (count > 0 && socket.write(batch) !== batch.length) fail('Posts were not taken whole.')
}

const states = Array.from({ length: posters }, newPoster)
const sockets: Socket<LiveWatcher>[] = []
for (let index = 0; index < watchers; index += 1) {
  const watcher = new LiveWatcher(posters, index)
  all.push(watcher)
  const [signedIn, watching] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  watcher.onControl = (text) => {
    if (text.startsWith('{"type":"authenticated"')) signedIn.resolve()
    if (text.startsWith('{"type":"watching"')) watching.resolve()
    if (text.startsWith('{"type":"refused"') || text.startsWith('{"type":"bye"')) fail(text)
  }
  const port = ports[Math.floor((index * ports.length) / watchers)] ?? 0
  const socket = await openLive({ port, headers }, watcher, {
    onChunk: (from, own) => {
      const state = states[index]
      if (state !== undefined && own > 0 && !stopped) post(from, index, state, own)
    },
    isStopped: () => stopped,
  })
  await signedIn.promise
  socket.write(clientFrame({ type: 'watch', id: '0', chat_id: chatId }))
  await watching.promise
  sockets.push(socket)
}

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
