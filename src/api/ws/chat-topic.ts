import type { CloseName } from '../../contract/close-codes.ts'
import type { ChatEventType } from '../../contract/events.ts'
import { FewMap } from '../../domain/few-map.ts'
import type { TailEvent, TailListener } from '../../domain/live/chat-tail.ts'
import type { BegunAnswer, LiveAnswers, OpenAnswers } from '../../domain/live/live-answers.ts'
import type { LiveChats } from '../../domain/live/live-chats.ts'
import type { Start, Starts } from '../../domain/live/starts.ts'
import type { OpenChat } from '../../domain/live/watched-chat.ts'
import type { AnswerRef } from '../../domain/ports.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { Audience, Publisher } from './audience.ts'
import type { Connection } from './connection.ts'
import { type Piece, Pieces } from './pieces.ts'

/** How one dialect tells of a chat. */
export interface ChatDialect {
  /** Unlike any other dialect's. */
  name: string
  /** The frame of an event; `undefined` where the dialect has none for it. Called once, however many sockets watch. */
  frame(event: TailEvent): string | undefined
  /** The one frame of several events that come about together, where the dialect has such. */
  batch?(frames: readonly string[]): string
  /** Why the sockets of the chat are closed after an event, where it is the last that the dialect tells of. */
  ending?(event: TailEvent): CloseName | undefined
  /** How it tells of answers that are being made, where it does. */
  answers?: {
    /** To a socket that joins, of one that it was told nothing of: `undefined` where it asks for that by itself. */
    joined(answer: AnswerRef, text: string): string | undefined
    /** See `AnswerListener`. */
    begins(answer: BegunAnswer, text: string): string | undefined
    delta(piece: Piece): string
    replaced(answer: AnswerRef, text: string): string | undefined
  }
}

/** One socket's reading of a chat. */
export interface ChatWatch {
  /** How it begins: called once more each time that it has to begin anew. The events wait for a promise. */
  started(start: Start): Promise<void> | undefined
  /** The chat's support session is another's now, or waits: the text of the event. It may leave. */
  supportChanged?(text: string): void
  /** It could not begin anew: it is over. */
  failed(fault: unknown): void
}

/** What all topics of a dialect share. */
export type TopicParts = {
  publisher: Publisher
  live: LiveChats
  starts: Starts
  answers: LiveAnswers
  dialect: ChatDialect
  /** Nobody watches it any more, and nobody will. */
  onEmpty(topic: ChatTopic): void
}

/** `isLive`: told by the native topic from now on. */
type Reader = { watch: ChatWatch; isLive: boolean }

/** In the text of such an event, and by chance in that of another. */
const SUPPORT_UPDATED = `"type":"${'support.updated' satisfies ChatEventType}"`

/** UTF-16 code units of events that go out in one frame: about. */
const BATCH_LENGTH = 65_536

/** A chat whose past was forgotten faster than it could be told begins anew so often, at most. */
const STARTS_MAX = 3

/**
 * The sockets of one dialect that watch one chat in this process. An event is put into a frame once, and Bun hands it to
 * every socket of the chat; a socket that joins is told of what it has missed before, and moves onto the native topic in
 * the moment when it has seen all that there is, so that it misses nothing and sees nothing twice.
 */
export class ChatTopic implements Audience, TailListener {
  readonly name: string
  readonly chatId: string
  readonly #parts: TopicParts
  readonly #readers = new FewMap<Connection, Reader>()
  readonly #opening: Promise<OpenChat>
  #said: OpenAnswers | undefined
  /** What is told of answers, which waits a moment while somebody does not keep up. Not set before the first of it. */
  #pieces: Pieces | undefined
  /** Events of this turn of the event loop, which go out together before anything else that is told. */
  #batch: string[] = []
  #batchLength = 0

  constructor(chatId: string, parts: TopicParts) {
    this.name = `${parts.dialect.name}:${chatId}`
    this.chatId = chatId
    this.#parts = parts
    this.#opening = this.#open()
  }

  get watchers(): Iterable<Connection> {
    return this.#readers.keys()
  }

  /** See `ChatTopics.join`. */
  async join(connection: Connection, after: number | undefined, watch: ChatWatch): Promise<void> {
    connection.unsubscribe(this.name)
    const reader = { watch, isLive: false }
    this.#readers.set(connection, reader)
    try {
      const { tail } = await this.#opening
      await this.#begin(connection, reader, await this.#parts.starts.of(tail, after))
    } catch (fault) {
      if (this.#has(connection, reader)) this.leave(connection)
      throw fault
    }
  }

  leave(connection: Connection): void {
    connection.unsubscribe(this.name)
    if (!this.#readers.delete(connection) || this.#readers.size > 0) return
    this.#parts.onEmpty(this)
    this.#flush()
    this.#opening.then(
      (chat) => {
        // Others may hear the same tail: it would go on telling of its events here.
        chat.tail.unlisten(this)
        this.#said?.close()
        chat.close()
      },
      () => {},
    )
  }

  // Those below are called by the tail.

  event(event: TailEvent): void {
    const { dialect } = this.#parts
    this.#pieces?.flush()
    const frame = dialect.frame(event)
    if (frame !== undefined && dialect.batch !== undefined) this.#add(frame)
    else this.#publish(frame)
    if (event.text.includes(SUPPORT_UPDATED)) {
      this.#flush()
      for (const [, { watch }] of [...this.#readers]) watch.supportChanged?.(event.text)
    }
    const ending = dialect.ending?.(event)
    if (ending === undefined) return
    this.#flush()
    for (const connection of [...this.watchers]) connection.end(ending)
  }

  // Those below by what is heard of answers.

  begins(answer: BegunAnswer, text: string): void {
    this.#flush()
    this.#publish(this.#parts.dialect.answers?.begins(answer, text))
  }

  delta(piece: Piece): void {
    this.#pieces ??= new Pieces(
      (more) => this.#publish(this.#parts.dialect.answers?.delta(more)),
      () => [...this.watchers].some((connection) => connection.isBehind),
    )
    this.#pieces.add(piece)
  }

  replaced(answer: AnswerRef, text: string): void {
    this.#flush()
    this.#publish(this.#parts.dialect.answers?.replaced(answer, text))
  }

  /** See `ChatTopics.tell`. */
  tell(connection: Connection, frame: string): void {
    this.#flush()
    connection.send(frame)
  }

  /** See `ChatTopics.publish`. */
  tellAll(frame: string): void {
    this.#publish(frame)
  }

  #publish(frame: string | undefined): void {
    if (frame === undefined) return
    this.#tellBatch()
    this.#parts.publisher.publish(this, frame)
  }

  /** A frame to each of many sockets costs more than all that leads to it: a commit's events go in one. */
  #add(frame: string): void {
    if (this.#batch.length === 0) queueMicrotask(() => this.#tellBatch())
    this.#batch.push(frame)
    this.#batchLength += frame.length
    if (this.#batchLength >= BATCH_LENGTH) this.#tellBatch()
  }

  #tellBatch(): void {
    const [first, ...others] = this.#batch
    if (first === undefined) return
    const frame = others.length === 0 ? first : (this.#parts.dialect.batch?.(this.#batch) ?? first)
    this.#batch = []
    this.#batchLength = 0
    this.#parts.publisher.publish(this, frame)
  }

  /** What waits is told before what comes now. */
  #flush(): void {
    this.#pieces?.flush()
    this.#tellBatch()
  }

  /** The log has forgotten what comes next: everyone begins with the chat as it is. */
  broken(): void {
    // Who is still being told of the past finds that out by itself: to begin twice would tell things twice.
    this.#flush()
    const readers = [...this.#readers].filter(([, { isLive }]) => isLive)
    for (const [connection, reader] of readers) {
      reader.isLive = false
      connection.unsubscribe(this.name)
    }
    if (readers.length > 0) void this.#beginAnew(readers)
  }

  async #open(): Promise<OpenChat> {
    const { live, answers, dialect } = this.#parts
    const chat = await live.open(this.chatId)
    // Before the topic hears of events: the end of an answer comes after the last of its text.
    this.#said = dialect.answers && (await answers.open(chat.tail))
    chat.tail.listen(this)
    return chat
  }

  /** From this moment the socket is told what the others are, and it knows what they know. */
  #enter(connection: Connection, reader: Reader): void {
    this.#flush()
    const { answers, dialect } = this.#parts
    for (const { answer, text } of dialect.answers === undefined ? [] : answers.current(this.chatId)) {
      const frame = dialect.answers?.joined(answer, text)
      if (frame !== undefined) connection.send(frame)
    }
    reader.isLive = true
    connection.subscribe(this.name)
  }

  /** Whether this is still how the socket watches: it may have left, or begun again, meanwhile. */
  #has(connection: Connection, reader: Reader): boolean {
    return this.#readers.get(connection) === reader
  }

  async #begin(connection: Connection, reader: Reader, first: Start): Promise<void> {
    const { tail } = await this.#opening
    const isOn = () => this.#has(connection, reader) && !connection.ended
    let start = first
    for (let starts = 0; starts < STARTS_MAX; starts += 1) {
      if (!isOn()) return
      await reader.watch.started(start)
      const whole = await tail.replay(
        start.seq,
        (event) => {
          const frame = isOn() ? this.#parts.dialect.frame(event) : undefined
          return frame === undefined ? undefined : connection.sendPaced(frame)
        },
        () => {
          if (isOn()) this.#enter(connection, reader)
        },
      )
      if (whole) return
      start = await this.#parts.starts.afresh(this.chatId)
    }
    throw new Refusal('storage_unavailable', { cause: new Error(`${this.chatId} forgets faster than it is read`) })
  }

  async #beginAnew(readers: readonly (readonly [Connection, Reader])[]): Promise<void> {
    const start = this.#parts.starts.afresh(this.chatId)
    await Promise.all(
      readers.map(async ([connection, reader]) => {
        try {
          await this.#begin(connection, reader, await start)
        } catch (fault) {
          if (!this.#has(connection, reader)) return
          this.leave(connection)
          reader.watch.failed(fault)
        }
      }),
    )
  }
}
