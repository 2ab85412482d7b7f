import { ChatEvent } from '../../contract/events.ts'
import { type AnswerDelta, readDelta } from '../answers/delta.ts'
import { BoundedCache } from '../bounded-cache.ts'
import type { AnswerBuffer, AnswerRef } from '../ports.ts'
import type { ChatTail, TailEvent, TailListener } from './chat-tail.ts'

/** Hears of the answers of the chats that are open here. Synchronous, must not throw. */
export interface AnswerListener {
  /** All that an answer says so far: in place of what was told of it before. */
  snapshot(answer: AnswerRef, text: string): void
  /** More of it, right after what was told. */
  delta(answer: AnswerRef, offset: number, text: string): void
}

/** The answers of one chat, as far as they are known here. */
export interface OpenAnswers {
  /** Those that are being made, with all that was told of each. */
  current(): Iterable<{ answer: AnswerRef; text: string }>
  /** Called whenever there is more. */
  onNews(wake: () => void): () => void
  /** May be called again. */
  close(): void
}

type Entry = {
  answer: AnswerRef
  /** All that was told of it; `undefined` before the first time. */
  text: string | undefined
  loading: boolean
  /** How long it is known to be. */
  reaches: number
}

type Parts = { buffer: AnswerBuffer; running(chatId: string): Promise<AnswerRef[]> }

/** Ended answers that late pieces may still speak of. */
const ENDED = 10_000
const RETRY_MS = 200

/** The answers of one chat in this process: each text once, whatever the pieces that are heard leave out or repeat. */
class ChatAnswers implements Omit<OpenAnswers, 'close'>, TailListener {
  readonly ready: Promise<void>
  users = 0
  readonly #chatId: string
  readonly #parts: Parts
  readonly #listener: AnswerListener
  readonly #entries = new Map<string, Entry>()
  readonly #ended: BoundedCache<string, true>
  readonly #wakes = new Set<() => void>()
  readonly #tail: ChatTail
  #closed = false

  constructor(tail: ChatTail, parts: Parts, listener: AnswerListener, ended: BoundedCache<string, true>) {
    this.#chatId = tail.chatId
    this.#parts = parts
    this.#listener = listener
    this.#ended = ended
    // Before what is told of them is told of the events.
    this.#tail = tail
    tail.listen(this)
    this.ready = this.#find()
  }

  *current(): Generator<{ answer: AnswerRef; text: string }> {
    for (const { answer, text } of this.#entries.values()) if (text !== undefined) yield { answer, text }
  }

  onNews(wake: () => void): () => void {
    this.#wakes.add(wake)
    return () => this.#wakes.delete(wake)
  }

  heard({ messageId, answerId, offset, text }: AnswerDelta): void {
    if (this.#ended.get(answerId)) return
    const entry = this.#entries.get(answerId) ?? this.#add({ chatId: this.#chatId, messageId, answerId })
    entry.reaches = Math.max(entry.reaches, offset + text.length)
    if (entry.text === undefined || entry.loading || offset > entry.text.length) void this.#load(entry)
    else this.#tell(entry, entry.text + text.slice(entry.text.length - offset))
  }

  /** Pieces may have been missed. */
  doubt(): void {
    for (const entry of this.#entries.values()) void this.#load(entry)
  }

  close(): void {
    this.#closed = true
    this.#tail.unlisten(this)
    this.#entries.clear()
  }

  /** Called by the tail. */
  event({ text }: TailEvent): void {
    // Its type stands in front: the others are not parsed.
    if (!text.slice(0, 200).includes('"type":"answer.')) return
    const { data: event } = ChatEvent.safeParse(JSON.parse(text))
    if (event?.type === 'answer.started') {
      const { message_id: messageId, answer_id: answerId, offset } = event.data
      if (this.#entries.has(answerId) || this.#ended.get(answerId)) return
      const entry = this.#add({ chatId: this.#chatId, messageId, answerId })
      if (offset === 0) this.#tell(entry, '')
      else void this.#load(entry)
    } else if (event?.type === 'answer.ended') this.#end(event.data.answer_id, event.data.content)
  }

  /** Called by the tail: there may be answers that it never told of. */
  broken(): void {
    void this.#find()
  }

  #end(answerId: string, content: string): void {
    const entry = this.#entries.get(answerId)
    this.#ended.set(answerId, true)
    // The last piece may be on its way still: whoever only listens to pieces has them all before the end.
    if (entry?.text !== undefined && content.startsWith(entry.text)) this.#tell(entry, content)
    this.#entries.delete(answerId)
  }

  #add(answer: AnswerRef): Entry {
    const entry = { answer, text: undefined, loading: false, reaches: 0 }
    this.#entries.set(answer.answerId, entry)
    return entry
  }

  async #find(): Promise<void> {
    try {
      const running = await this.#parts.running(this.#chatId)
      await Promise.all(
        running
          .filter(({ answerId }) => !this.#ended.get(answerId))
          .map((answer) => this.#load(this.#entries.get(answer.answerId) ?? this.#add(answer))),
      )
    } catch {
      // The database is away: their next pieces tell of them.
    }
  }

  /** Reads what is missing, for as long as it takes the buffer to answer. */
  async #load(entry: Entry): Promise<void> {
    if (entry.loading) return
    entry.loading = true
    const { answerId } = entry.answer
    while (!this.#closed && this.#entries.get(answerId) === entry) {
      try {
        const known = await this.#parts.buffer.read(entry.answer)
        if (this.#entries.get(answerId) !== entry) break
        if (known === undefined) {
          this.#entries.delete(answerId)
          break
        }
        this.#tell(entry, known.text)
        if (known.text.length >= entry.reaches || known.finished) break
      } catch {
        await Bun.sleep(RETRY_MS)
      }
    }
    entry.loading = false
  }

  #tell(entry: Entry, text: string): void {
    const told = entry.text
    if (told !== undefined && text.length <= told.length) return
    entry.text = text
    if (told === undefined) this.#listener.snapshot(entry.answer, text)
    else this.#listener.delta(entry.answer, told.length, text.slice(told.length))
    for (const wake of [...this.#wakes]) wake()
  }
}

/** The answers that are being made in the chats that are watched here, however many watch each. */
export class LiveAnswers {
  readonly #parts: Parts
  readonly #chats = new Map<string, ChatAnswers>()
  readonly #listeners = new Set<AnswerListener>()
  readonly #ended = new BoundedCache<string, true>(ENDED)
  readonly #all: AnswerListener = {
    snapshot: (answer, text) => {
      for (const listener of this.#listeners) listener.snapshot(answer, text)
    },
    delta: (answer, offset, text) => {
      for (const listener of this.#listeners) listener.delta(answer, offset, text)
    },
  }

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves once what is being made in the chat is known, unless the stores are away. */
  async open(tail: ChatTail): Promise<OpenAnswers> {
    const { chatId } = tail
    const answers = this.#chats.get(chatId) ?? new ChatAnswers(tail, this.#parts, this.#all, this.#ended)
    this.#chats.set(chatId, answers)
    answers.users += 1
    let open = true
    await answers.ready
    return {
      current: () => answers.current(),
      onNews: (wake) => answers.onNews(wake),
      close: () => {
        if (!open) return
        open = false
        answers.users -= 1
        if (answers.users > 0) return
        answers.close()
        if (this.#chats.get(chatId) === answers) this.#chats.delete(chatId)
      },
    }
  }

  onAnswer(listener: AnswerListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Those of a chat that is open; none for another. */
  current(chatId: string): Iterable<{ answer: AnswerRef; text: string }> {
    return this.#chats.get(chatId)?.current() ?? []
  }

  /** A signal's text. */
  heard(chatId: string, signal: string): void {
    const answers = this.#chats.get(chatId)
    const delta = answers && readDelta(signal)
    if (delta) answers.heard(delta)
  }

  doubt(): void {
    for (const answers of this.#chats.values()) answers.doubt()
  }
}
