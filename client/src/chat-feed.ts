import type { ChatEvent } from '../../src/contract/events.ts'
import type { ChatSnapshot } from '../../src/contract/live.ts'
import { backOff } from './frames.ts'
import { errorOf, type FrameOf, isPassing, type LiveFrame, type Refused } from './live-frames.ts'
import type { Outbox } from './outbox.ts'

/** How a reading of a chat begins: after an event that the reader had seen, or with the chat as it is at `seq`. */
export type Beginning =
  | { type: 'watching'; chat_id: string; seq: number; recovered: true }
  | { type: 'watching'; chat_id: string; seq: number; recovered: false; snapshot: ChatSnapshot }

/** One that is told of a chat. The calls must not throw. */
export interface ChatReader {
  /** First of all; again where the chat must begin anew, then always with a snapshot. */
  begins(beginning: Beginning, length: number): void
  /** The next event. False where there is no room: no more comes before `ChatFeed.resume`. */
  event(event: ChatEvent, length: number): boolean
  /** The next event is of a kind that this client does not know. */
  passes(seq: number): void
  signal(signal: FrameOf<'typing' | 'presence'>): void
  /** What an answer says that is being made: all of it so far, or more. */
  answer(frame: FrameOf<'answer.snapshot' | 'answer.delta'>): void
  /** It is over: the server refuses, or the socket is gone for good; without an error where it was closed from here. */
  ends(error: Error | undefined): void
}

/** Where a reader is: waiting for its beginning, told of every event, or full. */
type Place = { stage: 'wanting' | 'live' | 'full'; cursor: number | undefined; begun: boolean }

/** All who read one chat over one socket, which watches it once for all of them. */
export class ChatFeed {
  readonly chatId: string
  readonly #outbox: Outbox
  readonly #places = new Map<ChatReader, Place>()
  /** Whose beginning was asked for. */
  #asking: { reader: ChatReader } | undefined
  #open = false
  #refusals = 0
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(chatId: string, outbox: Outbox) {
    this.chatId = chatId
    this.#outbox = outbox
  }

  get empty(): boolean {
    return this.#places.size === 0
  }

  add(reader: ChatReader, after: number | undefined): void {
    this.#places.set(reader, { stage: 'wanting', cursor: after, begun: false })
    this.#askNext()
  }

  remove(reader: ChatReader): void {
    this.#places.delete(reader)
    if (!this.empty) return
    this.#stop()
    this.#outbox.ask({ lasts: false, frame: { type: 'unwatch', chat_id: this.chatId } })
  }

  /** A reader that was full has room again: it is told of what it missed. */
  resume(reader: ChatReader): void {
    const place = this.#places.get(reader)
    if (place?.stage !== 'full') return
    place.stage = 'wanting'
    this.#askNext()
  }

  /** There is a socket that can be asked: everyone goes on from where they were. */
  opened(): void {
    this.#open = true
    for (const place of this.#places.values()) if (place.stage === 'live') place.stage = 'wanting'
    this.#askNext()
  }

  lost(): void {
    this.#open = false
    this.#stop()
  }

  end(error: Error | undefined): void {
    this.#stop()
    const readers = [...this.#places.keys()]
    this.#places.clear()
    for (const reader of readers) reader.ends(error)
  }

  /** A frame of the server's, about this chat. */
  heard(frame: LiveFrame, length: number): void {
    switch (frame.type) {
      case 'watching':
        // One that was asked for comes by its id.
        if (frame.id === null) this.#begin(frame, length, undefined)
        break
      case 'typing':
      case 'presence':
        for (const reader of [...this.#places.keys()]) reader.signal(frame)
        break
      case 'answer.snapshot':
      case 'answer.delta':
        for (const reader of [...this.#places.keys()]) reader.answer(frame)
        break
      case 'unwatched':
        // It went to somebody else: this is the last that is told of it.
        this.end(errorOf({ type: 'refused', id: null, reason: frame.reason, detail: '' }))
        break
      case 'unknown':
        this.#tell(frame.seq, (reader) => {
          reader.passes(frame.seq)
          return true
        })
        break
      default:
        if ('at' in frame) this.#tell(frame.seq, (reader) => reader.event(frame, length))
    }
  }

  #tell(seq: number, tell: (reader: ChatReader) => boolean): void {
    for (const [reader, place] of this.#places) {
      if (place.stage !== 'live' || place.cursor === undefined || seq <= place.cursor) continue
      if (seq > place.cursor + 1) {
        place.stage = 'wanting'
        this.#askNext()
      } else if (tell(reader)) place.cursor = seq
      else place.stage = 'full'
    }
  }

  /** Who has nothing yet first, then who is furthest behind: what these are told, the others can leave out. */
  #askNext(): void {
    if (!this.#open || this.#asking !== undefined || this.#retry !== undefined) return
    const [next] = [...this.#places]
      .filter(([, { stage }]) => stage === 'wanting')
      .sort(([, one], [, other]) => (one.cursor ?? -1) - (other.cursor ?? -1))
    if (next === undefined) return
    const [reader, { cursor }] = next
    const asking = { reader }
    this.#asking = asking
    this.#outbox.ask({
      lasts: false,
      frame: { type: 'watch', chat_id: this.chatId, batches: true, ...(cursor === undefined ? {} : { after: cursor }) },
      answered: (answer, length) => {
        if (this.#asking !== asking || answer.type !== 'watching') return
        this.#asking = undefined
        this.#refusals = 0
        this.#begin(answer, length, reader)
      },
      refused: (refusal) => {
        if (this.#asking !== asking) return
        this.#asking = undefined
        this.#refuse(reader, refusal)
      },
    })
  }

  /** `asked`: whose beginning it is; everyone's, where the server begins anew by itself. */
  #begin({ chat_id, seq, snapshot }: FrameOf<'watching'>, length: number, asked: ChatReader | undefined): void {
    for (const [reader, place] of this.#places) {
      if (place.stage === 'full') continue
      const isMeant = asked === undefined || reader === asked
      if (snapshot === undefined) {
        // What comes now are the events after `seq`: enough for all who are there already.
        const cursor = place.begun || isMeant ? (place.cursor ?? seq) : undefined
        if (cursor === undefined || cursor < seq) place.stage = 'wanting'
        else {
          if (!place.begun) reader.begins({ type: 'watching', chat_id, seq: cursor, recovered: true }, length)
          Object.assign(place, { stage: 'live', cursor, begun: true } satisfies Place)
        }
      } else if (isMeant || place.cursor === undefined) {
        reader.begins({ type: 'watching', chat_id, seq, recovered: false, snapshot }, length)
        Object.assign(place, { stage: 'live', cursor: seq, begun: true } satisfies Place)
      } else if (place.cursor !== seq || !place.begun) place.stage = 'wanting'
      else place.stage = 'live'
    }
    this.#askNext()
  }

  #refuse(reader: ChatReader, refusal: Refused): void {
    if (isPassing(refusal)) {
      this.#retry = setTimeout(() => {
        this.#retry = undefined
        this.#askNext()
      }, backOff(this.#refusals))
      this.#refusals += 1
      return
    }
    this.#places.delete(reader)
    reader.ends(errorOf(refusal))
    this.#askNext()
  }

  #stop(): void {
    this.#asking = undefined
    clearTimeout(this.#retry)
    this.#retry = undefined
  }
}
