import type { Socket } from 'bun'
import { measureDeliveries, Poster, placeholder } from './deliveries.ts'
import { clientFrame, openLive } from './live-socket.ts'
import { LiveWatcher } from './live-watcher.ts'
import { fail, readOrder } from './order.ts'
import { LiveOrder } from './orders.ts'

// As watchers.ts, for the live socket: all watch one chat, and the first of them post to it over the same socket. A poster
// has `window` messages under way and posts the next when one of its own comes back.

const order = await readOrder(LiveOrder)
const { ports, headers, chatId, watchers, window, contentLength } = order

let stopped = false
const all: LiveWatcher[] = []

const frame = clientFrame({ type: 'post', id: '1', chat_id: chatId, content: placeholder(contentLength) })
const posters = Array.from({ length: order.posters }, (_, index) => new Poster(index, frame))
const sockets: Socket<LiveWatcher>[] = []
for (let index = 0; index < watchers; index += 1) {
  const watcher = new LiveWatcher(posters.length, index)
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
      if (!stopped) posters[index]?.post(from, own)
    },
    isStopped: () => stopped,
  })
  await signedIn.promise
  socket.write(clientFrame({ type: 'watch', id: '0', chat_id: chatId, batches: true }))
  await watching.promise
  sockets.push(socket)
}

for (const [index, socket] of sockets.entries()) posters[index]?.post(socket, window)

const outcome = await measureDeliveries(order, posters, all, () => {
  stopped = true
})
console.log(JSON.stringify(outcome))
process.exit(0)
