import type { Socket } from 'bun'
import { cpuTime } from '../harness/usage.ts'
import { fail } from './order.ts'
import type { DeliveryOrder } from './orders.ts'

// What the load generators for sockets that watch have in common: how messages are posted, and how deliveries are measured.

/** A message's content begins with its poster (2 digits) and the poster's own count (7 digits). */
const POSTER_DIGITS = 2
const MARK_DIGITS = 9
const PLACEHOLDER = '#'
const ZERO = 48

/** As long as every message's content. */
export function placeholder(contentLength: number): string {
  return PLACEHOLDER.repeat(contentLength)
}

/** One that posts, always the same frame but for the mark. */
export class Poster {
  sent = 0
  readonly #index: number
  readonly #frame: Buffer
  readonly #markAt: number

  /** `frame`: with `placeholder` for its content, and a mask of zero, so that it may be changed in place. */
  constructor(index: number, frame: Buffer) {
    this.#index = index
    this.#frame = frame
    this.#markAt = frame.indexOf(PLACEHOLDER.repeat(MARK_DIGITS))
  }

  post(socket: Pick<Socket, 'write'>, count: number): void {
    if (count === 0) return
    const size = this.#frame.length
    const batch = Buffer.allocUnsafe(size * count)
    for (let index = 0; index < count; index += 1) {
      this.#frame.copy(batch, index * size)
      batch.write(markOf(this.#index, this.sent), index * size + this.#markAt, 'latin1')
      this.sent += 1
    }
    if (socket.write(batch) !== batch.length) fail('Posts were not taken whole.')
  }
}

function markOf(poster: number, count: number): string {
  return String(poster).padStart(POSTER_DIGITS, '0') + String(count).padStart(MARK_DIGITS - POSTER_DIGITS, '0')
}

/** The marks that one watcher sees: nothing is missing, doubled or out of its poster's order without failing here. */
export class Marks {
  /** How many so far. */
  seen = 0
  /** Depends on every one and on their order: the same for watchers that saw the same. */
  order = 0
  readonly #next: Int32Array

  constructor(posters: number) {
    this.#next = new Int32Array(posters)
  }

  /** Returns the poster of the message whose content begins here. */
  take(bytes: Buffer, at: number): number {
    const poster = digits(bytes, at, POSTER_DIGITS)
    const count = digits(bytes, at + POSTER_DIGITS, MARK_DIGITS - POSTER_DIGITS)
    if (count !== this.#next[poster]) fail(`Poster ${poster}: message ${count} came, ${this.#next[poster]} was next.`)
    this.#next[poster] = count + 1
    this.seen += 1
    this.order = (Math.imul(this.order, 31) + poster) | 0
    return poster
  }
}

function digits(bytes: Buffer, at: number, count: number): number {
  let value = 0
  for (let index = at; index < at + count; index += 1) value = value * 10 + ((bytes[index] ?? 0) - ZERO)
  return value
}

export interface DeliveryWatcher {
  readonly marks: Marks
  /** Of an event, with its WebSocket header. */
  readonly frameBytes: number
}

/** Measures while the posters post; then has them stop, and fails unless every watcher has seen every message. */
export async function measureDeliveries(
  { pid, warmMs, measureMs }: Pick<DeliveryOrder, 'pid' | 'warmMs' | 'measureMs'>,
  posters: readonly Poster[],
  watchers: readonly DeliveryWatcher[],
  stop: () => void,
) {
  const delivered = () => watchers.reduce((sum, { marks }) => sum + marks.seen, 0)
  const now = async () => ({ delivered: delivered(), at: performance.now(), cpu: await cpuTime(pid) })
  await Bun.sleep(warmMs)
  const before = await now()
  await Bun.sleep(measureMs)
  const after = await now()
  stop()
  const messages = posters.reduce((sum, { sent }) => sum + sent, 0)
  const deadline = performance.now() + 10_000
  while (delivered() < messages * watchers.length && performance.now() < deadline) await Bun.sleep(20)
  const short = watchers.filter(({ marks }) => marks.seen !== messages).length
  if (short > 0) fail(`${short} of ${watchers.length} watchers did not get the ${messages} messages.`)
  if (new Set(watchers.map(({ marks }) => marks.order)).size > 1) fail('Watchers saw the messages in different orders.')
  const counted = after.delivered - before.delivered
  return {
    messages,
    deliveriesPerSecond: (counted * 1000) / (after.at - before.at),
    cpuPerMessage: ((after.cpu - before.cpu) * watchers.length) / Math.max(1, counted),
    frameBytes: watchers[0]?.frameBytes ?? 0,
  }
}
