import { LiveClientFrame } from '../../../src/contract/live.ts'
import { fail, readOrder } from './order.ts'
import { CrossingOrder } from './orders.ts'

// Posts at one instance, at a steady pace, and takes the time until a watcher of that instance and one of another have it.

const { from, to, headers, chatId, posts, everyMs } = await readOrder(CrossingOrder)

const sentAt: number[] = []

async function watcher(port: number): Promise<{ socket: WebSocket; took: number[] }> {
  // Bun's own option, which the DOM's type does not know.
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`, { headers } as unknown as string[])
  const took: number[] = []
  const watching = Promise.withResolvers<void>()
  socket.addEventListener('message', ({ data }) => {
    const now = performance.now()
    const frame = JSON.parse(String(data))
    if (frame.type === 'authenticated') {
      const watch: LiveClientFrame = { type: 'watch', id: 'w', chat_id: chatId }
      socket.send(JSON.stringify(LiveClientFrame.parse(watch)))
    } else if (frame.type === 'watching') watching.resolve()
    else if (frame.type === 'message.created') took.push(now - (sentAt[Number(frame.data.content)] ?? 0))
  })
  socket.addEventListener('close', () => fail('The server closed a socket.'))
  await watching.promise
  return { socket, took }
}

const [here, there] = [await watcher(from), await watcher(to)]
const posting = Array.from({ length: posts }, async (_, number) => {
  await Bun.sleep(number * everyMs)
  sentAt[number] = performance.now()
  const answer = await fetch(`http://127.0.0.1:${from}/api/chats/${chatId}/messages`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ content: String(number) }),
  })
  if (answer.status !== 200) fail(`A post was answered ${answer.status}.`)
  await answer.body?.cancel()
})
await Promise.all(posting)
const deadline = performance.now() + 10_000
while (there.took.length + here.took.length < 2 * posts && performance.now() < deadline) await Bun.sleep(10)
if (there.took.length !== posts) fail(`${there.took.length} of ${posts} messages crossed.`)

// The first tenth warms up.
const measured = (took: readonly number[]) => took.slice(Math.ceil(posts / 10))
const at = (values: readonly number[], part: number) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? 0
const extra = measured(there.took).map((took, index) => took - (measured(here.took)[index] ?? 0))
console.log(
  JSON.stringify({
    p50: at(measured(there.took), 0.5),
    p99: at(measured(there.took), 0.99),
    sameP50: at(measured(here.took), 0.5),
    sameP99: at(measured(here.took), 0.99),
    extraP99: at(extra, 0.99),
  }),
)
process.exit(0)
