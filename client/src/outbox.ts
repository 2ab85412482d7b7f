import { FAILURES } from '../../src/contract/failures.ts'
import type { LiveClientFrame } from '../../src/contract/live.ts'
import { FRAME_MAX } from '../../src/contract/text.ts'
import { ParleyError } from './errors.ts'
import type { FrameOf, LiveFrame, Refused } from './live-frames.ts'

type Draft<Frame> = Frame extends { id: string } ? Omit<Frame, 'id'> : never

/** A frame that the client sends, before it has an id. */
export type LiveDraft = Draft<LiveClientFrame>
export type Answer = FrameOf<'ack' | 'watching'>

interface Ask {
  readonly frame: LiveDraft
  /** It outlives its connection: sent again on the next. Otherwise it goes with it, and is told of nothing. */
  readonly lasts: boolean
  answered?(answer: Answer, length: number): void
  refused?(refusal: Refused): void
  /** The connection broke before the answer came. Where this is there, it is not sent again. */
  lost?(): void
}

/** Asks that may wait or be under way, and what they may hold, in UTF-16 code units. */
const ASKED_MAX = 1000
const ASKED_LENGTH_MAX = 4_194_304
/** Frames that may be under way, and their length together: the server closes a socket that sends faster than it handles. */
const FLYING_MAX = 64
const FLYING_LENGTH_MAX = 262_144

interface Entry extends Ask {
  readonly length: number
  /** Nobody waits for its answer any more. */
  dropped: boolean
}

/**
 * What the client says, in order, so much at a time as the server bears; each is answered by its id. What does not last goes
 * before what does: a chat is watched again before a hundred posts that have waited are sent.
 */
export class Outbox {
  readonly #send: (text: string) => boolean
  #open = false
  #number = 0
  #passing: Entry[] = []
  #waiting: Entry[] = []
  #flying = new Map<string, Entry>()
  /** Of all that waits or is under way; of what is under way. */
  #length = 0
  #flyingLength = 0

  constructor(send: (text: string) => boolean) {
    this.#send = send
  }

  /**
   * Says it now, or once the socket is open where it lasts. Throws `ParleyError` where it is too long, or too much waits
   * already. Returns the call after which no answer is told and it is not sent again.
   */
  ask(ask: Ask): () => void {
    if (!(ask.lasts || this.#open)) return () => {}
    const { length } = textOf(ask.frame)
    // What does not last is short, and what asks for it bounds it.
    if (
      ask.lasts &&
      (this.#waiting.length + this.#flying.size >= ASKED_MAX || this.#length + length > ASKED_LENGTH_MAX)
    ) {
      throw new ParleyError(0, undefined, { cause: new Error('Too much waits for the server already') })
    }
    const entry = { ...ask, length, dropped: false }
    this.#length += entry.length
    this.#laneOf(entry).push(entry)
    this.#pump()
    return () => this.#drop(entry)
  }

  /** `first`: asks what goes before all that has waited. */
  opened(first: () => void): void {
    this.#open = true
    const waiting = this.#waiting
    this.#waiting = []
    first()
    this.#waiting = [...waiting, ...this.#waiting]
    this.#pump()
  }

  /** What was under way may have been done or not: what lasts is sent again, first of all, unless it would be done twice. */
  lost(): void {
    this.#open = false
    this.#passing = []
    const flying = [...this.#flying.values()]
    const again = flying.filter((entry) => entry.lost === undefined)
    this.#waiting = [...again, ...this.#waiting].filter(({ lasts, dropped }) => lasts && !dropped)
    this.#flying.clear()
    this.#flyingLength = 0
    this.#length = this.#waiting.reduce((sum, { length }) => sum + length, 0)
    for (const entry of flying) if (!entry.dropped) entry.lost?.()
  }

  /** Tells whoever asked. `length`: the frame's, in UTF-16 code units. */
  heard(frame: LiveFrame, length: number): void {
    if (frame.type !== 'ack' && frame.type !== 'watching' && frame.type !== 'refused') return
    const entry = frame.id === null ? undefined : this.#flying.get(frame.id)
    if (entry === undefined || frame.id === null) return
    this.#flying.delete(frame.id)
    this.#flyingLength -= entry.length
    this.#length -= entry.length
    if (!entry.dropped) {
      if (frame.type === 'refused') entry.refused?.(frame)
      else entry.answered?.(frame, length)
    }
    this.#pump()
  }

  #drop(entry: Entry): void {
    entry.dropped = true
    const lane = this.#laneOf(entry)
    const place = lane.indexOf(entry)
    if (place === -1) return
    lane.splice(place, 1)
    this.#length -= entry.length
  }

  #pump(): void {
    while (this.#open) {
      const next = this.#passing[0] ?? this.#waiting[0]
      if (next === undefined || !this.#hasRoomFor(next)) return
      this.#number += 1
      const id = String(this.#number)
      // Lost: `lost` comes, and all of it goes again.
      if (!this.#send(JSON.stringify({ ...next.frame, id }))) return
      this.#laneOf(next).shift()
      this.#flying.set(id, next)
      this.#flyingLength += next.length
    }
  }

  #laneOf({ lasts }: Entry): Entry[] {
    return lasts ? this.#waiting : this.#passing
  }

  #hasRoomFor({ length }: Entry): boolean {
    const { size } = this.#flying
    return size === 0 || (size < FLYING_MAX && this.#flyingLength + length <= FLYING_LENGTH_MAX)
  }
}

/** Room for the `id` of a frame. */
const ID_LENGTH = 64

function textOf(frame: LiveDraft): string {
  const text = JSON.stringify(frame)
  const max = FRAME_MAX - ID_LENGTH
  // No UTF-16 code unit is more than three bytes.
  if (text.length * 3 > max && new TextEncoder().encode(text).length > max) {
    const { status } = FAILURES.body_too_large
    throw new ParleyError(status, { reason: 'body_too_large', detail: `A frame is at most ${FRAME_MAX} bytes long.` })
  }
  return text
}
