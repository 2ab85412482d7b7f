import type { DeskFrame } from './support-feed.ts'

/** Notes that wait for a reader, who lists them anew where there are more: the oldest go first. */
const NOTES_MAX = 100

/** What waits for somebody who reads the support desk: of the queue and the sessions the newest alone, the others are past. */
export class DeskBacklog {
  readonly #states = new Map<DeskFrame['type'], DeskFrame>()
  #notes: DeskFrame[] = []

  put(frame: DeskFrame): void {
    if (frame.type === 'desk.note') this.#notes = [...this.#notes, frame].slice(-NOTES_MAX)
    else this.#states.set(frame.type, frame)
  }

  /** The next; `undefined` where nothing waits. */
  take(): DeskFrame | undefined {
    const [state] = this.#states.values()
    if (state === undefined) return this.#notes.shift()
    this.#states.delete(state.type)
    return state
  }

  clear(): void {
    this.#states.clear()
    this.#notes = []
  }
}
