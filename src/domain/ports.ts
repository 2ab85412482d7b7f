import type { SessionPage, SessionSummary } from '../contract/sessions.ts'
import type { SessionRef } from './sessions/events.ts'

/** Hears one channel. Both calls are synchronous and must not throw. */
export interface BusListener {
  message(payload: string): void
  /**
   * Payloads may have been missed. Called when the bus is lost and once more when it is back: what is read after that last
   * call leaves no gap. The subscription stays.
   */
  lost(): void
}

/**
 * Wakes readers up, on every instance. Promises:
 * - once `subscribe` has resolved, every payload published afterwards reaches the listener, in the order of publishing,
 *   or `lost` is called;
 * - a payload is delivered at most once, and nothing is kept for those who come later;
 * - a bus that cannot be reached makes `subscribe` and `publish` throw `Refusal('storage_unavailable')`, within seconds;
 * - it resumes by itself when it can be reached again.
 */
export interface Bus {
  publish(channel: string, payload: string): Promise<void>
  /** Resolves to the call that ends the subscription; that call never throws and may be repeated. */
  subscribe(channel: string, listener: BusListener): Promise<() => void>
}

/** A session as of one moment. */
export interface SessionSnapshot {
  /** The position of the session's last change; 0 for a session that is not there. */
  position: number
  /** The JSON text of each `SessionMessage`, oldest first: encoded once, when it was posted. */
  messages: readonly string[]
}

/** What a session may hold and for how long. */
export interface SessionLimits {
  ttlSeconds: number
  /** The oldest messages go first once there are more. */
  maxMessages: number
  /** The oldest messages go first once their JSON has more bytes (UTF-8); the newest always stays. */
  maxBytes: number
}

/**
 * Keeps sessions that expire. Promises:
 * - a change (append, clear) renews the session's time to live, a read does not;
 * - a change is atomic: it is stored, given the next position, and published on `sessionChannel` as `sessionEvent` text,
 *   or none of these;
 * - positions of one session grow by 1 with each change; a session that expired and came back starts above all that it
 *   ever used, so that an old position is never mistaken for a new one;
 * - a store that cannot be reached throws `Refusal('storage_unavailable')`, within seconds.
 */
export interface SessionStore {
  /** `message` is the JSON text of a `SessionMessage`. Resolves to its position. */
  append(session: SessionRef, message: string): Promise<number>
  /** The same, and the session right after this change. */
  appendAndRead(session: SessionRef, message: string): Promise<SessionSnapshot>
  read(session: SessionRef): Promise<SessionSnapshot>
  /** Removes the messages. Clearing an empty session is a change as well. */
  clear(session: SessionRef): Promise<void>
  /** The owner's sessions that hold messages, by session_id, from an index that expires with them. */
  list(owner: string, page: SessionPage): Promise<SessionSummary[]>
}

/** A dependency that the health report asks. */
export interface Probe {
  /** Resolves when it answers, throws when it does not. */
  check(): Promise<void>
}

/** What an answer is made from. */
export interface AnswerRequest {
  /** What was said before, oldest first, without the message itself. */
  history: readonly { role: 'user' | 'assistant' | 'system'; content: string }[]
  message: string
  /** Aborted when nobody wants the rest any more: stop, and release what you hold. */
  signal: AbortSignal
}

/** A piece of an answer, in the order of its making. */
export type AnswerPart = { type: 'text'; text: string }

/** Answers messages. Ends when the answer is whole; throws where it cannot be made. */
export interface Answerer {
  answer(request: AnswerRequest): AsyncIterable<AnswerPart>
}
