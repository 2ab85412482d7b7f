import { FAILURES } from '../../contract/failures.ts'
import { LiveClientFrame, type LiveControlFrame } from '../../contract/live.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { Connection } from './connection.ts'

export function encodeFrame(frame: LiveControlFrame): string {
  return JSON.stringify(frame)
}

export function sendFrame(connection: Connection, frame: LiveControlFrame): void {
  connection.send(encodeFrame(frame))
}

/** `id`: of the frame that is refused, where it has one that could be read. */
export function refusedFrame(id: string | null, { reason, issues, retryAfter }: Refusal): LiveControlFrame {
  const detail = issues.length === 0 ? FAILURES[reason].detail : [...issues]
  return { type: 'refused', id, reason, detail, ...(retryAfter === undefined ? {} : { retry_after: retryAfter }) }
}

/** Whether it is no fault of the frame. */
export function isOurs({ reason }: Refusal): boolean {
  return FAILURES[reason].status >= 500
}

/** The id of a frame that is no good otherwise. */
export function idIn(text: string | undefined): string | null {
  if (text === undefined) return null
  try {
    const frame: unknown = JSON.parse(text)
    return LiveClientFrame.options[0].shape.id.safeParse(Object(frame).id).data ?? null
  } catch {
    return null
  }
}
