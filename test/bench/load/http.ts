import type { Socket } from 'bun'
import { fail, readOrder } from './order.ts'
import { HttpOrder } from './orders.ts'

// A load generator for HTTP, in a process of its own.
//
// It shares two cores with the server, so that what it spends is missing there. Hence plain sockets, and requests that are
// bytes from the start; of an answer it reads the status and the length and counts the rest: a few microseconds a request,
// where `fetch` takes tens. Each connection has one request in flight, as a browser has: no pipelining.

const HEAD_END = '\r\n\r\n'
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const { port, connections, requests, apart, headers, status, warm, measureMs } = await readOrder(HttpOrder)

const fixed = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
const encoded = requests.map(({ method, path, body = '' }) =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\n${fixed.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  ),
)
const statusLine = `HTTP/1.1 ${status} `
let sent = 0
let answers = 0
let bytes = 0
let stopped = false

/** Of connection `index`: what is still missing of its answer, in bytes, or the start of a head that came in parts. */
type Answer = { index: number; missing: number; head: Buffer | undefined }

function send(socket: Socket<Answer>): void {
  // All connections draw from one list: two seldom post to the same session at once while there are more of these.
  const request = encoded[(apart ? socket.data.index : sent) % encoded.length]
  sent += 1
  if (request === undefined || socket.write(request) !== request.length) fail('A request was not taken whole.')
}

function receive(socket: Socket<Answer>, chunk: Buffer): void {
  const answer = socket.data
  bytes += chunk.length
  if (answer.missing === Infinity) answer.missing = untilLastChunk(chunk)
  else if (answer.missing > 0) answer.missing -= chunk.length
  else readHead(answer, chunk)
  if (answer.missing < 0) fail('An answer was longer than it said.')
  if (answer.missing > 0 || answer.head !== undefined) return
  answers += 1
  if (!stopped) send(socket)
}

function readHead(answer: Answer, chunk: Buffer): void {
  const received = answer.head === undefined ? chunk : Buffer.concat([answer.head, chunk])
  const end = received.indexOf(HEAD_END)
  answer.head = end === -1 ? Buffer.from(received) : undefined
  if (end === -1) return
  const head = received.toString('latin1', 0, end)
  if (!head.startsWith(statusLine)) fail(`Not answered with ${status}: ${received.toString().slice(0, 1000)}`)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  answer.missing =
    length === undefined ? untilLastChunk(received) : end + HEAD_END.length + Number(length) - received.length
}

/** Of an answer in chunks: its last five bytes come together, as servers here write them. */
function untilLastChunk(bytes: Buffer): number {
  return bytes.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK) ? 0 : Infinity
}

await Promise.all(
  Array.from({ length: connections }, (_, index) =>
    Bun.connect<Answer>({
      hostname: '127.0.0.1',
      port,
      data: { index, missing: 0, head: undefined },
      socket: {
        open: send,
        data: receive,
        close: () => {
          if (!stopped) fail('The server closed a connection.')
        },
        error: (_, error) => {
          fail(`A connection failed: ${error.message}`)
        },
      },
    }),
  ),
)
while (answers < warm.requests) await Bun.sleep(10)
await Bun.sleep(warm.ms)
const before = { answers, bytes, at: performance.now() }
await Bun.sleep(measureMs)
const seconds = (performance.now() - before.at) / 1000
const counted = answers - before.answers
stopped = true
console.log(
  JSON.stringify({
    answers,
    perSecond: counted / seconds,
    bytesPerAnswer: (bytes - before.bytes) / Math.max(1, counted),
  }),
)
process.exit(0)
