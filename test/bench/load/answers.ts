import { AnswerWatcher } from './answer-watcher.ts'
import { Callbacks } from './callbacks.ts'
import { clientFrame, openLive, PONG } from './live-socket.ts'
import { fail, readOrder } from './order.ts'
import { AnswersOrder } from './orders.ts'

// The AI service and all who watch, in one process, so that one clock tells when a piece was due and when it was there. A
// piece that cannot be sent when it is due, since the one before is still on its way, counts from when it was due.

const order = await readOrder(AnswersOrder)
const { port, headers, servicePort, chatIds, watchers, perSecond, pieceLength, warmMs, measureMs } = order
const everyMs = 1000 / perSecond
const pieces = Math.ceil((warmMs + measureMs) / everyMs)
const measuredFrom = Math.ceil(warmMs / everyMs)

/** What is answered, by the question that asks for it: the chat. */
const handed = new Map<string, (url: string) => void>()
Bun.serve({
  hostname: '127.0.0.1',
  port: servicePort,
  async fetch(request) {
    const { message, callback_url } = await request.json()
    handed.get(message)?.(callback_url)
    return new Response(null, { status: 202 })
  },
})

const took: number[] = []
let lastAt = 0
let stopped = false

class Answer {
  readonly watchers: AnswerWatcher[] = []
  readonly ended = Promise.withResolvers<void>()
  readonly #chatId: string
  readonly #phase: number
  #url = ''
  #callbacks: Callbacks | undefined
  #beganAt = 0
  #sent = 0
  #left = watchers

  constructor(chatId: string, index: number) {
    this.#chatId = chatId
    this.#phase = (index / chatIds.length) * everyMs
  }

  async watch(): Promise<void> {
    const watcher = new AnswerWatcher(pieceLength)
    this.watchers.push(watcher)
    const [signedIn, watching] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    watcher.onControl = (text) => {
      if (text.startsWith('{"type":"authenticated"')) signedIn.resolve()
      else if (text.startsWith('{"type":"watching"')) watching.resolve()
      else if (text.startsWith('{"type":"refused"') || text.startsWith('{"type":"bye"')) fail(text)
      else if (text.includes('"type":"answer.ended"')) this.#end(text, watcher)
    }
    watcher.onPieces = (from, to) => {
      const now = performance.now()
      lastAt = now
      for (let piece = Math.max(from, measuredFrom); piece < to; piece += 1) took.push(now - this.#dueAt(piece))
    }
    const socket = await openLive({ port, headers }, watcher, { onChunk: () => {}, isStopped: () => stopped })
    watcher.onPing = () => socket.write(PONG)
    await signedIn.promise
    socket.write(clientFrame({ type: 'watch', id: '0', chat_id: this.#chatId }))
    await watching.promise
  }

  async ask(): Promise<void> {
    const question = crypto.randomUUID()
    const url = new Promise<string>((resolve) => handed.set(question, resolve))
    const asked = await fetch(`http://127.0.0.1:${port}/api/chats/${this.#chatId}/messages`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ content: question }),
    })
    if (asked.status !== 200) fail(`A question was answered ${asked.status}: ${await asked.text()}`)
    await asked.body?.cancel()
    // Whatever the server takes for its own address.
    const { pathname, search } = new URL(await url)
    this.#url = `http://127.0.0.1:${port}${pathname}${search}`
  }

  /** Not sooner: a connection on which nothing is said is closed. */
  async connect(): Promise<void> {
    this.#callbacks = await Callbacks.open(this.#url)
  }

  begin(at: number): void {
    this.#beganAt = at
  }

  /** Sends the next piece, where it is due and may be sent. */
  step(now: number): void {
    const callbacks = this.#callbacks
    if (callbacks === undefined || callbacks.busy || this.#sent > pieces || now < this.#dueAt(this.#sent)) return
    const number = this.#sent
    this.#sent += 1
    if (number === pieces) return callbacks.call(`{"type":"complete","seq":${number}}`, () => {})
    const content = String(number).padEnd(pieceLength, '.')
    callbacks.call(`{"type":"chunk","seq":${number},"content":"${content}"}`, () => this.step(performance.now()))
  }

  #dueAt(piece: number): number {
    return this.#beganAt + this.#phase + piece * everyMs
  }

  #end(text: string, watcher: AnswerWatcher): void {
    const { data } = JSON.parse(text)
    if (data.content.length !== pieces * pieceLength) fail(`An answer ended with ${data.content.length} characters.`)
    if (watcher.length !== data.content.length) fail(`A watcher has ${watcher.length} characters of an answer.`)
    this.#left -= 1
    if (this.#left === 0) this.ended.resolve()
  }
}

const answers = chatIds.map((chatId, index) => new Answer(chatId, index))
for (const answer of answers) for (let count = 0; count < watchers; count += 1) await answer.watch()
for (const answer of answers) await answer.ask()
await Promise.all(answers.map((answer) => answer.connect()))
const begun = performance.now() + 100
for (const answer of answers) answer.begin(begun)
const pacing = setInterval(() => {
  const now = performance.now()
  for (const answer of answers) answer.step(now)
}, 1)
const late = setTimeout(() => fail('The answers did not end.'), warmMs + measureMs + 60_000)
await Promise.all(answers.map(({ ended }) => ended.promise))
clearTimeout(late)
clearInterval(pacing)
stopped = true

const count = (pieces - measuredFrom) * chatIds.length
if (took.length !== count * watchers) fail(`${took.length} of ${count * watchers} pieces were told.`)
took.sort((one, other) => one - other)
const at = (part: number) => took[Math.floor((took.length - 1) * part)] ?? 0
const all = answers.flatMap((answer) => answer.watchers)
console.log(
  JSON.stringify({
    p50: at(0.5),
    p99: at(0.99),
    pieces: count,
    piecesPerSecond: chatIds.length * perSecond,
    from: performance.timeOrigin + begun + measuredFrom * everyMs,
    to: performance.timeOrigin + lastAt,
    frames: all.reduce((sum, { frames }) => sum + frames, 0) / all.length,
  }),
)
process.exit(0)
