import type { Metadata, SenderType } from '../../contract/chats.ts'
import { type DeskMessage, type DeskSession, DeskTime, momentOf } from '../../contract/desk.ts'
import { ChatEvent } from '../../contract/events.ts'
import { isoTime } from '../chats/rows.ts'
import type { DeskMessageRow, DeskSessionRow } from './desk-store.ts'

/** How the desk tells what chats, their messages and their events are. */

export type DeskSaid = Omit<DeskMessage, 'session_id'>

/**
 * The message that an event (its JSON text) tells of, and of which chat; `undefined` where it tells of none, or of one that
 * says nothing any more.
 */
export function saidIn(eventText: string): { chatId: string; said: DeskSaid } | undefined {
  const { data: event } = ChatEvent.safeParse(JSON.parse(eventText))
  if (event?.type === 'answer.ended') {
    const { number, content, created_at } = event.data
    const said = saidOf({ number, content, created_at, sender_type: 'assistant', metadata: {} })
    return content === '' ? undefined : { chatId: event.chat_id, said }
  }
  if (event?.type !== 'message.created') return undefined
  const { number, content, created_at = event.at } = event.data
  if (number === undefined || content === '') return undefined
  return { chatId: event.chat_id, said: saidOf({ ...event.data, number, created_at }) }
}

export function sessionOf({ external_id: id, title, metadata, created_at, messages }: DeskSessionRow): DeskSession {
  const made = isoTime(created_at)
  const told = timeIn(metadata, 'created_at')
  return {
    id,
    title,
    created_at: told !== undefined && momentOf(told) === made ? told : made,
    messages: messages.map((row) => ({ session_id: id, ...saidOf({ ...row, created_at: isoTime(row.created_at) }) })),
  }
}

/** A message as the desk tells it, but for its session. */
export function saidOf({ number: id, content, sender_type, metadata, created_at }: DeskMessageRow): DeskSaid {
  return { id, content, sender: senderOf(sender_type), timestamp: timeIn(metadata, 'timestamp') ?? created_at }
}

/** A desk knows two sides. */
function senderOf(type: SenderType): DeskMessage['sender'] {
  return type === 'user' ? 'user' : 'assistant'
}

/** A time that a client gave, as it was sent. What else others keep under that name is not ours. */
function timeIn(metadata: Metadata, key: string): string | undefined {
  return DeskTime.safeParse(metadata[key]).data
}
