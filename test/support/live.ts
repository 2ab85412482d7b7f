import { LiveEventBatch, LiveServerFrame } from '../../src/contract/live.ts'
import type { Person } from './person.ts'
import { TestSocket } from './socket.ts'

type FrameOf<T extends LiveServerFrame['type']> = Extract<LiveServerFrame, { type: T }>

/** What a frame of the live socket says: one thing, or several events that came about together. */
export function framesIn(said: unknown): LiveServerFrame[] {
  return Array.isArray(said) ? LiveEventBatch.parse(said) : [LiveServerFrame.parse(said)]
}

/** A client of the live socket, signed in. What nobody asked for is left out until it is asked for. */
export class LiveClient {
  readonly socket: TestSocket
  #number = 0
  #frames: LiveServerFrame[] = []
  /** How many events came together, of each frame that had several. */
  readonly batches: number[] = []

  constructor(ws: string, headers: Record<string, string> = {}) {
    this.socket = new TestSocket(`${ws}/api/live`, headers)
  }

  static async open(ws: string, person: Pick<Person, 'headers'>): Promise<LiveClient> {
    const client = new LiveClient(ws, person.headers)
    await client.next('authenticated')
    return client
  }

  /** Sends a frame with an id of its own; resolves to that. */
  send(frame: object): string {
    this.#number += 1
    const id = String(this.#number)
    this.socket.send({ id, ...frame })
    return id
  }

  /** Sends a frame; resolves to its answer. What else comes before that is kept. */
  async ask(frame: object): Promise<LiveServerFrame> {
    const id = this.send(frame)
    return this.#take((answer) => 'id' in answer && answer.id === id)
  }

  /** The next frame of this type; those before it are kept for those who ask for theirs. */
  async next<T extends LiveServerFrame['type']>(type: T): Promise<FrameOf<T>> {
    // The type is what was asked for.
    return (await this.#take((frame) => frame.type === type)) as FrameOf<T>
  }

  /** The next `count` events of chats, in the order in which they came. */
  async events(count: number): Promise<Extract<LiveServerFrame, { seq: number; at: string }>[]> {
    const events: Extract<LiveServerFrame, { seq: number; at: string }>[] = []
    while (events.length < count) {
      const frame = await this.#take((other) => 'at' in other)
      if ('at' in frame) events.push(frame)
    }
    return events
  }

  async watch(chat_id: string, after?: number, more: { batches?: boolean } = {}): Promise<FrameOf<'watching'>> {
    const answer = await this.ask({ type: 'watch', chat_id, ...(after === undefined ? {} : { after }), ...more })
    if (answer.type !== 'watching') throw new Error(`not watching: ${JSON.stringify(answer)}`)
    return answer
  }

  forget(): void {
    this.#frames = []
  }

  /** What came and nobody has asked for. */
  kept(): readonly LiveServerFrame[] {
    return this.#frames
  }

  async #take(wanted: (frame: LiveServerFrame) => boolean): Promise<LiveServerFrame> {
    while (true) {
      const [frame] = this.#frames.splice(this.#frames.findIndex(wanted) >>> 0, 1)
      if (frame !== undefined) return frame
      const frames = framesIn(await this.socket.next())
      if (frames.length > 1) this.batches.push(frames.length)
      this.#frames.push(...frames)
    }
  }

  close(): Promise<void> {
    return this.socket.close()
  }
}
