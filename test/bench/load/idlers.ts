import { residentOf } from '../harness/usage.ts'
import { clientFrame, openLive, PONG } from './live-socket.ts'
import { LiveWatcher } from './live-watcher.ts'
import { readOrder } from './order.ts'
import { IdleOrder } from './orders.ts'

// Opens sockets that watch a chat each and then do nothing, and looks at the memory of the server before and after.

const { port, pid, headers, chatIds, sockets, settleMs } = await readOrder(IdleOrder)

let stopped = false
/** So many are opened at the same time. */
const AT_ONCE = 50

async function open(index: number): Promise<void> {
  const watcher = new LiveWatcher(1, 0)
  const [signedIn, watching] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  watcher.onControl = (text) => {
    if (text.startsWith('{"type":"authenticated"')) signedIn.resolve()
    if (text.startsWith('{"type":"watching"')) watching.resolve()
  }
  const socket = await openLive({ port, headers }, watcher, { onChunk() {}, isStopped: () => stopped })
  watcher.onPing = () => socket.write(PONG)
  await signedIn.promise
  socket.write(clientFrame({ type: 'watch', id: '0', chat_id: chatIds[index % chatIds.length] }))
  await watching.promise
}

async function openAll(from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, to - first) }, (_, index) => open(first + index)))
  }
}

// What a first socket makes the server load and compile is no socket's own.
const warm = Math.ceil(sockets / 10)
await openAll(0, warm)
await Bun.sleep(settleMs)
const before = await residentOf(pid)
await openAll(warm, sockets + warm)
await Bun.sleep(settleMs)
const after = await residentOf(pid)
stopped = true
console.log(JSON.stringify({ bytesPerSocket: (after - before) / sockets, before, after }))
process.exit(0)
