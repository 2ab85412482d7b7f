import type { Token } from './client.ts'
import { Frames, type SocketOptions } from './frames.ts'
import { type LiveFrame, liveFrames } from './live-frames.ts'
import { Variable } from './observable.ts'
import { Outbox } from './outbox.ts'
import { socketAddress } from './paths.ts'
import { SignIn } from './sign-in.ts'

/** `open`: signed in, everything goes through. `closed`: for good. */
export type LiveStatus = 'connecting' | 'open' | 'closed'

export interface LiveOptions extends SocketOptions {
  /** A function is called for every connection, and again before the token that it gave has expired. */
  token: Token
}

interface Listener {
  /** Signed in: what is asked now is answered. */
  opened(): void
  lost(): void
  /** `length`: the frame's, in UTF-16 code units; of several that came in one, a part of it. */
  heard(frame: LiveFrame, length: number): void
  /** Once, after the last. */
  ended(error: Error | undefined): void
}

/** A server that says nothing for this long is asked whether it is there, and given up after as long again. */
const SILENCE_MS = 20_000

/** One signed-in live socket that comes back by itself. */
export class LiveSocket {
  readonly outbox: Outbox
  readonly status = new Variable<LiveStatus>('connecting')
  readonly #frames: Frames<{ frames: readonly LiveFrame[]; length: number }>
  readonly #signIn: SignIn
  readonly #listener: Listener
  readonly #pulse: ReturnType<typeof setInterval>
  #silences = 0
  #ended = false

  constructor(url: string, { token, retries = Number.POSITIVE_INFINITY, ...options }: LiveOptions, listener: Listener) {
    this.#listener = listener
    const signIn = new SignIn(token, {
      send: (text) => this.#frames.send(text),
      drop: (ending) => this.#frames.drop(ending),
    })
    this.#signIn = signIn
    this.#frames = new Frames({
      ...options,
      retries,
      address: async () => ((await signIn.prepare()) ? socketAddress(url, 'api/live') : undefined),
      parse(text) {
        const frames = liveFrames(text)
        return frames.length === 0 ? undefined : { frames, length: text.length / frames.length }
      },
      isGood: ({ frames }) => frames.every(({ type }) => type !== 'refused' && type !== 'bye'),
      isWorthRetrying: (ending) => signIn.isWorthRetrying(ending),
      opened: () => signIn.show(),
      lost: () => this.#lost(),
    })
    this.outbox = new Outbox((text) => this.#frames.send(text))
    this.#pulse = setInterval(() => this.#listen(), SILENCE_MS)
    void this.#run()
  }

  close(): void {
    this.#frames.close()
    this.#end(undefined)
  }

  async #run(): Promise<void> {
    try {
      for await (const { frames, length } of this.#frames.read()) {
        for (const frame of frames) this.#hear(frame, length)
      }
      this.#end(undefined)
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error('The live socket failed', { cause: error }))
    }
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return
    this.#ended = true
    clearInterval(this.#pulse)
    this.#signIn.stop()
    this.outbox.lost()
    this.status.set('closed')
    this.#listener.ended(error)
  }

  #hear(frame: LiveFrame, length: number): void {
    this.#silences = 0
    if (frame.type === 'authenticated') {
      this.#signIn.authenticated(frame)
      if (this.status.getSnapshot() === 'open') return
      this.status.set('open')
      this.outbox.opened(() => this.#listener.opened())
    } else if (frame.type === 'refused' && this.#signIn.isRefused(frame)) {
      this.#signIn.refused(frame)
    } else {
      this.outbox.heard(frame, length)
      this.#listener.heard(frame, length)
    }
  }

  #lost(): void {
    this.#signIn.stop()
    this.outbox.lost()
    if (!this.#ended) this.status.set('connecting')
    this.#listener.lost()
  }

  /** A network that is gone does not always say so. */
  #listen(): void {
    this.#silences += 1
    if (this.#silences === 2) this.outbox.ask({ lasts: false, frame: { type: 'ping' } })
    if (this.#silences < 3) return
    this.#silences = 0
    this.#frames.drop({ code: 1006, reason: 'The server fell silent' })
  }
}
