import type { Metadata } from '../../contract/chats.ts'
import type { SupportSession, SupportState, SupportStatus } from '../../contract/support.ts'
import type { Doors } from '../chats/doors.ts'
import { type Handling, isoTime } from '../chats/rows.ts'

/** A support session as it is stored. Times are as Postgres writes them, or ISO 8601. */
export type SupportRow = {
  chat_id: string
  user_id: string
  agent_id: string | null
  status: SupportStatus
  handling: Handling
  metadata: Metadata
  hand_over_on_failure: boolean
  waiting_since: string | null
  /** When a person was first asked for. */
  asked_at: string | null
  first_reply_at: string | null
  created_at: string
  updated_at: string
  ended_at: string | null
}

export function sessionOf(row: SupportRow): SupportSession {
  return {
    id: row.chat_id,
    ...stateOf(row),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
    first_reply_at: timeOrNull(row.first_reply_at),
  }
}

/** What an event tells of it. */
export function stateOf(row: SupportRow): SupportState {
  return {
    user_id: row.user_id,
    agent_id: row.agent_id,
    status: row.status,
    metadata: row.metadata,
    ended_at: timeOrNull(row.ended_at),
    waiting_since: timeOrNull(row.waiting_since),
    answering: row.handling === 'assistant',
  }
}

function timeOrNull(time: string | null): string | null {
  return time === null ? null : isoTime(time)
}

/** What a session can become: each gives it as it is then. */

/** An agent holds it. */
export function held(session: SupportRow, agentId: string, at: string, status?: 'active' | 'transferred'): SupportRow {
  return {
    ...session,
    ...opened(session, status),
    agent_id: agentId,
    handling: 'people',
    waiting_since: null,
    asked_at: session.asked_at ?? at,
  }
}

/** It waits for an agent. */
export function queued(session: SupportRow, at: string, status?: 'active' | 'transferred'): SupportRow {
  return {
    ...session,
    ...opened(session, status),
    agent_id: null,
    handling: 'people',
    waiting_since: at,
    asked_at: session.asked_at ?? at,
  }
}

/** The AI answers. */
export function answered(session: SupportRow): SupportRow {
  if (session.handling === 'assistant') return session
  return { ...session, ...opened(session, 'active'), agent_id: null, handling: 'assistant', waiting_since: null }
}

export function ended(session: SupportRow, at: string): SupportRow {
  if (session.status === 'ended') return session
  return { ...session, status: 'ended', handling: 'ended', waiting_since: null, ended_at: at }
}

/** One that has ended goes on; another keeps its status, unless it gets one. */
function opened(session: SupportRow, status = session.status): Pick<SupportRow, 'status' | 'ended_at'> {
  return { status: status === 'ended' ? 'active' : status, ended_at: null }
}

/** Who may do what in it. Its chat's owner, where it has one, is its customer. */
export function doorsOf({ user_id, agent_id, handling }: SupportRow): Doors {
  return { owner_id: null, customer_id: user_id, agent_id, handling }
}
