import type { ChatEvent } from '../../../src/contract/events.ts'
import type { ChatSnapshot, LiveServerFrame } from '../../../src/contract/live.ts'
import { framesIn } from '../../support/live.ts'
import type { Client } from './client.ts'
import type { Logged } from './stored.ts'

/** Before a socket that could not be opened, or was closed, is opened again. */
const BACK_MS = 50

export type LiveReaderOptions = {
  client: Client
  chatId: string
  /** The first event is the one after this; not given: the chat as it is. */
  after?: number
  /** Where it connects to, each time; not given: to any instance. */
  address?: () => Promise<string>
  /** The chat is deleted for a while now and then: it comes back then as well. */
  mayBeMissing?: boolean
  /** Hears how it begins, each time that it cannot go on from what it has, and each event. */
  onStart?(snapshot: ChatSnapshot): void
  onEvent?(event: ChatEvent): void
  /** The chat is this reader's to read only for a while: hears that it is so no more. */
  onMissing?(): void
  /** Hears every other frame. */
  onFrame?(frame: LiveServerFrame): void
}

/** One client that watches a chat on the live socket and comes back, with its cursor, whenever the socket is gone. */
export class LiveReader {
  readonly #options: LiveReaderOptions
  readonly chatId: string
  /** The events that it was told since it began, or began anew. */
  seen: Logged[] = []
  /** What it began with, where it did not begin with an event. */
  snapshot: ChatSnapshot | undefined
  /** The last event that it knows of; `undefined` before it began. */
  cursor: number | undefined
  /** How often it began with a snapshot. */
  snapshots = 0
  /** How often it opened a socket. */
  opened = 0
  /** How often each close code came that it did not ask for. */
  readonly closes = new Map<number, number>()
  readonly faults: string[] = []
  #socket: WebSocket | undefined
  #watching = false
  #ended = false
  #woken = Promise.withResolvers<void>()

  constructor(options: LiveReaderOptions) {
    this.#options = options
    this.chatId = options.chatId
    this.cursor = options.after
    void this.#open()
  }

  /** Resolves once this reader is told of events as they happen. */
  async watches(): Promise<void> {
    while (!this.#watching) await this.#woken.promise
  }

  async reaches(seq: number): Promise<void> {
    while ((this.cursor ?? 0) < seq) await this.#woken.promise
  }

  /** Drops the connection, as a network does, and opens another. */
  drop(): void {
    const dropped = this.#socket
    this.#socket = undefined
    if (dropped !== undefined) cut(dropped)
    void this.#open()
  }

  end(): void {
    this.#ended = true
    if (this.#socket !== undefined) cut(this.#socket)
    this.#socket = undefined
  }

  send(frame: object): void {
    if (this.#watching) this.#socket?.send(JSON.stringify(frame))
  }

  /** What is wrong with what it saw, by the whole log of the chat. */
  faultsBy(log: readonly Logged[]): string[] {
    const base = this.snapshot?.chat.last_seq ?? this.#options.after ?? 0
    const missed = log.slice(base)
    const text = (events: readonly Logged[]) => events.map(({ seq, messageId }) => `${seq}${messageId}`).join()
    const faults = [...this.faults]
    if (text(this.seen) !== text(missed)) faults.push(`a list is not the log after ${base}`)
    const told = log.slice(0, base).flatMap(({ messageId }) => messageId ?? [])
    const begun = this.snapshot?.messages.map(({ id }) => id) ?? []
    if (begun.join() !== told.slice(told.length - begun.length).join()) faults.push('a snapshot is not the log')
    return faults
  }

  async #open(): Promise<void> {
    const { client, address = () => client.deployment.address() } = this.#options
    this.#watching = false
    const base = await address().catch(() => undefined)
    if (this.#ended || base === undefined) return
    // Bun's own option, which the DOM's type does not know.
    const options = { headers: client.headers } as unknown as string[]
    const socket = new WebSocket(`${base.replace('http', 'ws')}/api/live`, options)
    this.#socket = socket
    this.opened += 1
    socket.addEventListener('open', () => {
      const after = this.cursor === undefined ? {} : { after: this.cursor }
      socket.send(JSON.stringify({ type: 'watch', id: 'watch', chat_id: this.chatId, batches: true, ...after }))
    })
    socket.addEventListener('message', ({ data }) => {
      for (const frame of framesIn(JSON.parse(String(data)))) if (socket === this.#socket) this.#hear(frame)
    })
    socket.addEventListener('close', ({ code }) => {
      if (socket !== this.#socket) return
      this.closes.set(code, (this.closes.get(code) ?? 0) + 1)
      this.#socket = undefined
      setTimeout(() => void this.#open(), BACK_MS)
    })
  }

  #hear(frame: LiveServerFrame): void {
    if (frame.type === 'watching') this.#begin(frame)
    else if ('at' in frame) this.#take(frame)
    else if (frame.type === 'refused' && frame.id === 'watch') this.#refused(frame.reason)
    else this.#options.onFrame?.(frame)
    this.#woken.resolve()
    this.#woken = Promise.withResolvers()
  }

  #begin({ seq, recovered, snapshot }: Extract<LiveServerFrame, { type: 'watching' }>): void {
    this.#watching = true
    if (recovered) {
      if (seq !== this.cursor) this.faults.push(`asked for what follows ${this.cursor}, told what follows ${seq}`)
    } else if (snapshot === undefined || snapshot.chat.last_seq !== seq) this.faults.push('a snapshot is missing')
    else {
      this.snapshots += 1
      this.snapshot = snapshot
      this.seen = []
      this.cursor = seq
      this.#options.onStart?.(snapshot)
    }
  }

  #take(event: ChatEvent): void {
    const { seq } = event
    if (seq !== (this.cursor ?? 0) + 1) this.faults.push(`event ${seq} came after ${this.cursor}`)
    this.cursor = seq
    this.seen.push({ seq, messageId: event.type === 'message.created' ? event.data.id : undefined })
    this.#options.onEvent?.(event)
  }

  /** The server could not read the chat just now: the socket stays, and asks again. */
  #refused(reason: string): void {
    if (reason === 'chat_missing' && this.#options.onMissing !== undefined) return this.#options.onMissing()
    const passes =
      reason === 'storage_unavailable' || (reason === 'chat_missing' && this.#options.mayBeMissing === true)
    if (!passes) this.faults.push(`refused: ${reason}`)
    this.#socket?.close()
  }
}

/** Ends the connection without a word. */
function cut(socket: WebSocket): void {
  // Bun's own call, which the DOM's type does not know.
  const { terminate } = socket as unknown as { terminate(this: WebSocket): void }
  terminate.call(socket)
}

/** `1006: 12, 1012: 3`: how the sockets of these readers were closed. */
export function closesOf(readers: readonly LiveReader[]): string {
  const all = new Map<number, number>()
  for (const { closes } of readers) for (const [code, times] of closes) all.set(code, (all.get(code) ?? 0) + times)
  return [...all].map(([code, times]) => `${code}: ${times}`).join(', ') || 'none'
}

export function total(readers: readonly LiveReader[], count: (reader: LiveReader) => number): number {
  return readers.reduce((sum, reader) => sum + count(reader), 0)
}
