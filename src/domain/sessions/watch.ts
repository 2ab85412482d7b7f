import type { Bus, SessionSnapshot, SessionStore } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { parseSessionEvent, type SessionEvent, type SessionRef, sessionChannel } from './events.ts'

export type SessionChange = SessionEvent | { position: number; type: 'session.sync'; messages: readonly string[] }

/** More changes than this, not yet taken by the reader, end the watch: it resumes by its position. */
const BACKLOG_MAX = 1000

export async function* watchSession(
  store: SessionStore,
  bus: Bus,
  session: SessionRef,
  after: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<SessionChange> {
  const backlog: SessionEvent[] = []
  const lost = new AbortController()
  const stop = AbortSignal.any([signal, lost.signal])
  let wake = () => {}
  stop.addEventListener('abort', () => wake(), { once: true })
  // Subscribing before reading is what leaves no gap: what happens in between is in the backlog.
  const unsubscribe = await bus.subscribe(sessionChannel(session), {
    message(payload) {
      if (backlog.length === BACKLOG_MAX) return lost.abort()
      backlog.push(parseSessionEvent(payload))
      wake()
    },
    lost: () => lost.abort(),
  })
  try {
    const snapshot = await store.read(session)
    yield* since(snapshot, after)
    let seen = snapshot.position
    while (!stop.aborted) {
      const event = backlog.shift()
      if (event === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      } else if (event.position > seen) {
        seen = event.position
        yield event
      }
    }
    if (lost.signal.aborted) throw new Refusal('storage_unavailable')
  } finally {
    unsubscribe()
  }
}

function since({ position, messages, promoted }: SessionSnapshot, after: number | undefined): SessionChange[] {
  const end: SessionChange[] = promoted === undefined ? [] : [{ position, type: 'session.promoted', ...promoted }]
  if (after === position) return []
  // Nothing but appends lies between the messages that a session holds, so the last one's position tells all the others'.
  const last = position - end.length
  const before = last - messages.length
  if (after === undefined || after < before || after > last) {
    return [{ position: last, type: 'session.sync', messages }, ...end]
  }
  const missed = messages.slice(after - before).map((message, index) => ({
    position: after + 1 + index,
    type: 'message.created' as const,
    message,
  }))
  return [...missed, ...end]
}
