import {
  Conversation,
  type NewSessionMessage,
  type SessionMessage,
  type SessionPage,
  type SessionSummary,
} from '../../contract/sessions.ts'
import type { Bus, SessionSnapshot, SessionStore } from '../ports.ts'
import type { SessionRef } from './events.ts'
import { type SessionChange, watchSession } from './watch.ts'

/** Conversations that expire. Every method throws `Refusal('storage_unavailable')` while the store is away. */
export class SessionService {
  readonly #store: SessionStore
  readonly #bus: Bus

  constructor(store: SessionStore, bus: Bus) {
    this.#store = store
    this.#bus = bus
  }

  list(owner: string, page: SessionPage): Promise<SessionSummary[]> {
    return this.#store.list(owner, page)
  }

  read(session: SessionRef): Promise<SessionSnapshot> {
    return this.#store.read(session)
  }

  /** Resolves to the whole conversation. */
  post(session: SessionRef, draft: NewSessionMessage): Promise<SessionSnapshot> {
    return this.#store.appendAndRead(session, encodeMessage(draft))
  }

  /** `post` for a caller who watches the session anyway and needs no answer. */
  async say(session: SessionRef, draft: NewSessionMessage): Promise<void> {
    await this.#store.append(session, encodeMessage(draft))
  }

  clear(session: SessionRef): Promise<void> {
    return this.#store.clear(session)
  }

  /**
   * The session, then every change of it. With `after` (the position of the last change seen) only what came later, where
   * that is still known; else it starts with the whole session. Ends with `Refusal('storage_unavailable')` when the bus
   * is lost: the caller comes back with its last position.
   */
  watch(session: SessionRef, after: number | undefined, signal: AbortSignal): AsyncGenerator<SessionChange> {
    return watchSession(this.#store, this.#bus, session, after, signal)
  }
}

function encodeMessage({ role, content }: NewSessionMessage): string {
  const message: SessionMessage = { id: crypto.randomUUID(), role, content, created_at: new Date().toISOString() }
  return JSON.stringify(message)
}

/** The JSON text of a `Conversation`, without decoding the messages it is made of. */
export function conversationText(sessionId: string, messages: readonly string[]): string {
  // A session id has no character that JSON would escape.
  return `{"session_id":"${sessionId}","messages":[${messages.join(',')}]}`
}

export function conversationOf(sessionId: string, messages: readonly string[]): Conversation {
  return Conversation.parse(JSON.parse(conversationText(sessionId, messages)))
}
