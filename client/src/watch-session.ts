import { z } from 'zod'
import { type NewSessionMessage, SessionServerFrame } from '../../src/contract/sessions.ts'
import { type Token, tokenOf } from './client.ts'
import { Frames, type SocketOptions } from './frames.ts'
import { encodedSegment, socketAddress } from './paths.ts'

/** Read it once, with `for await`. */
export interface SessionWatch {
  [Symbol.asyncIterator](): AsyncGenerator<SessionServerFrame, void, void>
  /**
   * Posts a message, which comes back as a frame like everyone's. What is sent as the connection breaks is lost: to know
   * that a message is stored, post it by `createClient`.
   */
  send(message: NewSessionMessage): void
  /** Ends the reading. */
  close(): void
}

export interface WatchOptions extends SocketOptions {
  token?: Token | undefined
}

/** Messages that may wait for the socket to open. */
const UNSENT_MAX = 100

const Typed = z.object({ type: z.string() })
const TYPES: ReadonlySet<string> = new Set(SessionServerFrame.options.map(({ shape }) => shape.type.value))

/**
 * The session's socket at the server `url`. Its first frame is `session.sync`, the whole session; then comes each change.
 * A connection that breaks is made again, which begins with another `session.sync`; so is one whose reader is more than
 * 1,000 frames behind. Reading throws `SocketClosed` when the server closes the socket for good or stays away.
 */
export function watchSession(url: string, sessionId: string, { token, ...options }: WatchOptions = {}): SessionWatch {
  const unsent: string[] = []
  const path = `v1/chat/sessions/${encodedSegment(sessionId)}/ws`
  const frames = new Frames<SessionServerFrame>({
    ...options,
    async address() {
      const current = await tokenOf(token)
      // A browser's socket can carry a token nowhere else.
      const query = current === undefined ? '' : `?${new URLSearchParams({ token: current })}`
      return `${socketAddress(url, path)}${query}`
    },
    parse: sessionFrame,
    opened() {
      for (const text of unsent.splice(0)) frames.send(text)
    },
  })
  return {
    [Symbol.asyncIterator]: () => frames.read(),
    send(message) {
      const text = JSON.stringify(message)
      if (frames.closed) throw new Error('The socket is closed')
      if (frames.send(text)) return
      if (unsent.length === UNSENT_MAX) throw new Error(`${UNSENT_MAX} frames wait for the socket to open`)
      unsent.push(text)
    },
    close: () => frames.close(),
  }
}

function sessionFrame(text: string): SessionServerFrame | undefined {
  const frame: unknown = JSON.parse(text)
  // A newer server may tell of more than this client knows.
  return TYPES.has(Typed.parse(frame).type) ? SessionServerFrame.parse(frame) : undefined
}
