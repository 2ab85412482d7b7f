import { ChatEvent } from '../../contract/events.ts'
import { type AnswerDelta, readDelta } from '../answers/delta.ts'
import { BoundedCache } from '../bounded-cache.ts'
import type { AnswerBuffer, AnswerRef } from '../ports.ts'
import type { ChatTail, TailEvent, TailListener } from './chat-tail.ts'

/** An answer, and how long its message was before this run, in UTF-16 code units: it goes on after that. */
export type BegunAnswer = AnswerRef & { begun: number }

/** Hears of the answers of the chats that are open here. Synchronous, must not throw. */
export interface AnswerListener {
  /** One is told of for the first time: with all that its message says so far. */
  begins(answer: BegunAnswer, text: string): void
  /** More of it, right after what was told. */
  delta(answer: AnswerRef, offset: number, text: string): void
  /** It ends, and does not say what was told of it, but this. */
  replaced(answer: AnswerRef, text: string): void
}

type Entry = {
  answer: AnswerRef
  /** See `BegunAnswer`; `undefined` where a piece was heard before its event. Nothing is told until it is known. */
  begun: number | undefined
  /** All that was told of it; `undefined` before the first time. */
  text: string | undefined
  loading: boolean
  /** How long it is known to be. */
  reaches: number
}

type Parts = { buffer: AnswerBuffer; running(chatId: string): Promise<BegunAnswer[]> }

/** Ended answers that late pieces may still speak of. */
const ENDED = 10_000
const RETRY_MS = 200

/** The answers of one chat in this process: each text once, whatever the pieces that are heard leave out or repeat. */
class ChatAnswers implements TailListener {
  readonly ready: Promise<void>
  users = 0
  readonly chatId: string
  readonly #parts: Parts
  readonly #listener: AnswerListener
  readonly #entries = new Map<string, Entry>()
  readonly #ended: BoundedCache<string, true>
  readonly #wakes = new Set<() => void>()
  readonly #tail: ChatTail
  #closed = false

  constructor(tail: ChatTail, parts: Parts, listener: AnswerListener, ended: BoundedCache<string, true>) {
    this.chatId = tail.chatId
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
    const entry = this.#entries.get(answerId) ?? this.#add({ chatId: this.chatId, messageId, answerId })
    entry.reaches = Math.max(entry.reaches, offset + text.length)
    if (entry.begun === undefined) void this.#lookUp(entry)
    else if (entry.text === undefined || entry.loading || offset > entry.text.length) void this.#load(entry)
    else this.#more(entry, entry.text, text.slice(entry.text.length - offset))
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
      const known = this.#entries.get(answerId)
      if (known?.begun !== undefined || this.#ended.get(answerId)) return
      const entry = known ?? this.#add({ chatId: this.chatId, messageId, answerId })
      entry.begun = offset
      if (known === undefined && offset === 0) this.#tell(entry, '')
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
    if (entry?.text !== undefined) {
      if (content.startsWith(entry.text)) this.#tell(entry, content)
      else this.#listener.replaced(entry.answer, content)
    }
    this.#entries.delete(answerId)
  }

  #add(answer: AnswerRef): Entry {
    const entry = { answer, begun: undefined, text: undefined, loading: false, reaches: 0 }
    this.#entries.set(answer.answerId, entry)
    return entry
  }

  async #find(): Promise<void> {
    const before = [...this.#entries.keys()]
    try {
      const running = await this.#parts.running(this.chatId)
      // The end of one may be among what was never told of.
      const ended = before.filter((id) => !running.some(({ answerId }) => answerId === id))
      for (const id of ended) this.#entries.delete(id)
      await Promise.all(
        running
          .filter(({ answerId }) => !this.#ended.get(answerId))
          .map(({ begun, ...answer }) => {
            const entry = this.#entries.get(answer.answerId) ?? this.#add(answer)
            entry.begun = begun
            return this.#load(entry)
          }),
      )
    } catch {
      // The database is away: their next pieces tell of them.
    }
  }

  /** A piece came before the event that its run began with. */
  async #lookUp(entry: Entry): Promise<void> {
    if (entry.loading) return
    entry.loading = true
    const { answerId } = entry.answer
    const running = await this.#parts.running(this.chatId).catch(() => [])
    entry.loading = false
    entry.begun ??= running.find((answer) => answer.answerId === answerId)?.begun
    if (entry.begun !== undefined) await this.#load(entry)
    // It has ended, or the database is away: the next piece tells of it.
    else if (this.#entries.get(answerId) === entry) this.#entries.delete(answerId)
  }

  /** Reads what is missing, for as long as it takes the buffer to answer. */
  async #load(entry: Entry): Promise<void> {
    if (entry.loading || entry.begun === undefined) return
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
        // The store is away. Or, without a fault, it has lost what it told of, and its producer brings that again.
      }
      await Bun.sleep(RETRY_MS)
    }
    entry.loading = false
  }

  #tell(entry: Entry, text: string): void {
    const { answer, text: told, begun = 0 } = entry
    if (told !== undefined && text.length <= told.length) return
    entry.text = text
    if (told === undefined) this.#listener.begins({ ...answer, begun }, text)
    else this.#listener.delta(answer, told.length, text.slice(told.length))
    this.#wake()
  }

  /** The next piece, as it came: to cut it out of the whole text would copy all of that each time. */
  #more(entry: Entry, told: string, piece: string): void {
    if (piece === '') return
    entry.text = told + piece
    this.#listener.delta(entry.answer, told.length, piece)
    this.#wake()
  }

  #wake(): void {
    if (this.#wakes.size > 0) for (const wake of [...this.#wakes]) wake()
  }
}

/** One use of the answers of a chat, as far as they are known here. */
export class OpenAnswers {
  readonly #answers: ChatAnswers
  /** All that are open, of which the last use takes them out. */
  readonly #all: Map<string, ChatAnswers>
  #isOpen = true

  constructor(answers: ChatAnswers, all: Map<string, ChatAnswers>) {
    this.#answers = answers
    this.#all = all
  }

  /** Those that are being made, with all that was told of each. */
  current(): Iterable<{ answer: AnswerRef; text: string }> {
    return this.#answers.current()
  }

  /** Called whenever there is more. */
  onNews(wake: () => void): () => void {
    return this.#answers.onNews(wake)
  }

  /** May be called again. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { chatId } = this.#answers
    this.#answers.users -= 1
    if (this.#answers.users > 0) return
    this.#answers.close()
    if (this.#all.get(chatId) === this.#answers) this.#all.delete(chatId)
  }
}

/** The answers that are being made in the chats that are watched here, however many watch each. */
export class LiveAnswers {
  readonly #parts: Parts
  readonly #chats = new Map<string, ChatAnswers>()
  readonly #listeners = new Set<AnswerListener>()
  readonly #ended = new BoundedCache<string, true>(ENDED)
  readonly #all: AnswerListener = {
    begins: (answer, text) => {
      for (const listener of this.#listeners) listener.begins(answer, text)
    },
    delta: (answer, offset, text) => {
      for (const listener of this.#listeners) listener.delta(answer, offset, text)
    },
    replaced: (answer, text) => {
      for (const listener of this.#listeners) listener.replaced(answer, text)
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
    await answers.ready
    return new OpenAnswers(answers, this.#chats)
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
