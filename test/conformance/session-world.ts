import type { Bus, SessionLimits, SessionStore } from '../../src/domain/ports.ts'
import { type SessionRef, sessionChannel } from '../../src/domain/sessions/events.ts'
import { until } from '../support/wait.ts'
import { recorder } from './bus.ts'

/** A store to test, fresh or shared with other tests: each takes sessions and owners of its own. */
export interface OpenSessions {
  store: SessionStore
  /** The same sessions as another process has them; the same object where there is none. */
  peer: SessionStore
  /** Where the store publishes. */
  bus: Bus
  /** Moves the clock on by some milliseconds, where the test owns it. */
  tick(): void
  close(): void
}

/** Opens a store that is closed after the test. */
export type Start = (limits?: Partial<SessionLimits>) => Promise<OpenSessions>

/** For tests that wait until something has expired. */
export const LONG_TEST_MS = 30_000

export function newSession(owner: string = crypto.randomUUID()): SessionRef {
  return { owner, id: crypto.randomUUID() }
}

export function messageText(content: string): string {
  const created_at = '2026-01-02T03:04:05.678Z'
  return JSON.stringify({ id: crypto.randomUUID(), role: 'user', content, created_at })
}

/** Listens to a session; the returned call waits for a number of events. */
export async function listen({ bus }: OpenSessions, session: SessionRef) {
  const listener = recorder()
  await bus.subscribe(sessionChannel(session), listener)
  return async (count: number): Promise<string[]> => {
    await until(() => listener.heard.length >= count, `${count} events`)
    return listener.heard
  }
}
