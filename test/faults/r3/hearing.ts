import type { Ledger } from '../rig/ledger.ts'
import type { LiveReader, LiveReaderOptions } from '../rig/live-reader.ts'

const POLL_MS = 10

/** When the watchers were told of what. */
export class Hearing {
  /** Of each watcher: when it last heard of somebody who types. */
  readonly #typingAt: number[]
  /** By message: when the last watcher heard of it. */
  readonly #lastAt = new Map<string, number>()

  constructor(watchers: number) {
    this.#typingAt = Array.from({ length: watchers }, () => 0)
  }

  /** What a watcher is to be opened with. */
  of(watcher: number): Pick<LiveReaderOptions, 'onEvent' | 'onFrame'> {
    return {
      onEvent: (event) => {
        if (event.type === 'message.created') this.#lastAt.set(event.data.id, performance.now())
      },
      onFrame: (frame) => {
        if (frame.type === 'typing') this.#typingAt[watcher] = performance.now()
      },
    }
  }

  /** Has all of them type on and off, until each has heard of it that others do. */
  async everybodyHears(readers: readonly LiveReader[], since: number): Promise<void> {
    for (let typing = true; !this.#typingAt.every((at) => at >= since); typing = !typing) {
      for (const reader of readers) reader.send({ type: 'typing', id: 'typing', chat_id: reader.chatId, typing })
      await Bun.sleep(POLL_MS)
    }
  }

  /** From an acknowledgement until the last watcher heard of it, at most; in milliseconds. */
  latestMs({ acknowledged }: Ledger): number {
    return Math.max(0, ...acknowledged.map(({ id, at }) => (this.#lastAt.get(id) ?? at) - at))
  }
}
