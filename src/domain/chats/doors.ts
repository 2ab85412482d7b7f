import type { SenderType } from '../../contract/chats.ts'
import type { Participant } from '../accounts/actor.ts'
import { Refusal } from '../refusal.ts'
import type { ChatRow } from './rows.ts'

/** As much of a chat as tells who may do what in it. */
export type Doors = Pick<ChatRow, 'owner_id' | 'customer_id' | 'agent_id' | 'handling'>

/** What somebody is in a chat. An onlooker is an agent who sees the queue: it reads what waits there, and writes nothing. */
type Part = 'owner' | 'customer' | 'agent' | 'onlooker' | 'privileged'

/** What the actor is in the chat; `undefined`: nothing, it may not open it. */
export function partOf(actor: Participant, { owner_id, customer_id, agent_id, handling }: Doors): Part | undefined {
  if (actor.kind === 'service') return 'privileged'
  if (actor.kind === 'visitor') return actor.userId === customer_id ? 'customer' : undefined
  const { accountId, role } = actor
  if (accountId === owner_id) return 'owner'
  if (accountId === customer_id) return 'customer'
  if (role === 'admin') return 'privileged'
  if (role !== 'agent') return undefined
  if (accountId === agent_id) return 'agent'
  return handling === 'people' && agent_id === null ? 'onlooker' : undefined
}

/** Throws `Refusal('chat_missing')` unless the actor may read the chat. */
export function assertMayOpen(actor: Participant, chat: Doors): void {
  if (partOf(actor, chat) === undefined) throw new Refusal('chat_missing', { hides: 'forbidden' })
}

/** Throws unless the actor may say something in the chat, and change what it said. */
export function assertMaySpeak(actor: Participant, chat: Doors): void {
  assertMayOpen(actor, chat)
  if (partOf(actor, chat) === 'onlooker') throw new Refusal('not_assigned')
}

/** Throws unless the chat as a whole is the actor's: its title, its branches, and whether it is there. */
export function assertMayArrange(actor: Participant, chat: Doors): void {
  assertMayOpen(actor, chat)
  if (!mayArrange(actor, chat)) throw new Refusal('forbidden')
}

export function mayArrange(actor: Participant, chat: Doors): boolean {
  const part = partOf(actor, chat)
  return part === 'owner' || part === 'privileged'
}

/** As whom the actor speaks in the chat. */
export function speakerIn(actor: Participant, chat: Doors): SenderType {
  const isTheirs = partOf(actor, chat) === 'owner' || partOf(actor, chat) === 'customer'
  return isStaff(actor) && chat.customer_id !== null && !isTheirs ? 'agent' : 'user'
}

/** Whether the actor reads the chat for as long as it handles it, or may, and no longer. */
export function isPassing(actor: Participant, chat: Doors): boolean {
  const part = partOf(actor, chat)
  return part === 'agent' || part === 'onlooker'
}

/** Whether the AI answers in the chat, and no person does. */
export function isAnswered({ handling }: Doors): boolean {
  return handling === null || handling === 'assistant'
}

/** Who handles what is others'. */
export function isStaff(actor: Participant): boolean {
  return actor.kind === 'account' && actor.role !== 'user'
}
