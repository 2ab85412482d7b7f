import type { DeskFrame } from '../../src/contract/support-feed.ts'
import { backOff } from './frames.ts'
import { errorOf, isPassing, type LiveFrame, type Refused } from './live-frames.ts'
import type { Outbox } from './outbox.ts'

/** One that is told of the support desk. The calls must not throw. */
export interface DeskReader {
  frame(frame: DeskFrame): void
  /** It is over: the server refuses, or the socket is gone for good; without an error where it was closed from here. */
  ends(error: Error | undefined): void
}

/** All who read the desk over one socket, which watches it once for all of them. */
export class DeskFeed {
  readonly #outbox: Outbox
  readonly #readers = new Set<DeskReader>()
  /** The queue, and the agent's sessions, as they were told last. */
  readonly #last = new Map<DeskFrame['type'], DeskFrame>()
  #refusals = 0
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  add(reader: DeskReader): void {
    this.#readers.add(reader)
    if (this.#readers.size === 1) this.#ask()
    for (const frame of this.#last.values()) reader.frame(frame)
  }

  remove(reader: DeskReader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return
    this.#stop()
    this.#outbox.ask({ lasts: false, frame: { type: 'unwatch_desk' } })
  }

  /** There is a socket that can be asked. */
  opened(): void {
    if (this.#readers.size > 0) this.#ask()
  }

  lost(): void {
    this.#stop()
  }

  heard(frame: LiveFrame): void {
    if (this.#readers.size === 0 || !isOfDesk(frame)) return
    if (frame.type !== 'desk.note') this.#last.set(frame.type, frame)
    for (const reader of [...this.#readers]) reader.frame(frame)
  }

  end(error: Error | undefined): void {
    this.#stop()
    const readers = [...this.#readers]
    this.#readers.clear()
    for (const reader of readers) reader.ends(error)
  }

  #ask(): void {
    this.#outbox.ask({
      lasts: false,
      frame: { type: 'watch_desk' },
      answered: () => {
        this.#refusals = 0
      },
      refused: (refusal) => this.#refuse(refusal),
    })
  }

  #refuse(refusal: Refused): void {
    if (!isPassing(refusal)) return this.end(errorOf(refusal))
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.opened(), backOff(this.#refusals))
    this.#refusals += 1
  }

  /** What was told is past by the time that the desk is watched again. */
  #stop(): void {
    clearTimeout(this.#retry)
    this.#last.clear()
  }
}

function isOfDesk(frame: LiveFrame): frame is DeskFrame {
  return frame.type === 'desk.queue' || frame.type === 'desk.sessions' || frame.type === 'desk.note'
}
