import type { Message } from '../../../../src/contract/chats.ts'
import type { ChatEventType } from '../../../../src/contract/events.ts'
import type { Reason } from '../../../../src/contract/failures.ts'
import { isPrivileged } from '../../../../src/domain/accounts/actor.ts'
import type { Call } from './calls.ts'
import type { ChatModel } from './chat-model.ts'

/** What a call must come to if nothing else happens meanwhile: the events that it adds, or why it is refused. */
export function predict(model: ChatModel, call: Call): ChatEventType[] | Reason {
  const { chat } = model
  const { by } = call
  const id = by.kind === 'account' ? by.accountId : null
  // What names a message alone is told of no chat.
  const missing = call.kind === 'attach' || call.kind === 'detach' ? 'message_missing' : 'chat_missing'
  if (!(isPrivileged(by) || id === chat.user_id)) return missing
  if (chat.deleted_at !== null && call.kind !== 'restore') return missing
  switch (call.kind) {
    case 'restore':
      return chat.deleted_at === null ? [] : ['chat.restored']
    case 'remove':
      return ['chat.deleted']
    case 'rename':
      return ['chat.updated']
    case 'configure':
      return (call.prompt !== null) === model.state.answering.has_system_prompt ? [] : ['answering.changed']
    case 'archive':
      return call.archived === (chat.archived_at !== null) ? [] : ['chat.updated']
    case 'read':
      if (id === null) return 'account_needed'
      return call.messageId in model.state.messages ? ['read.moved'] : 'message_missing'
    case 'post': {
      if (!model.lines.has(call.branchId ?? chat.active_branch_id)) return 'branch_missing'
      const known = model.said.get(call.clientId ?? '')
      if (known) return known.content === call.content && known.sender_id === id ? [] : 'client_id_reused'
      return chat.archived_at === null ? ['message.created'] : 'chat_archived'
    }
    case 'activate':
    case 'name':
      return predictBranch(model, call)
    case 'branch':
    case 'diverge':
      return predictFork(model, call, id)
    case 'edit':
    case 'delete':
    case 'react':
    case 'unreact':
      return predictMessage(model, call, id)
    case 'attach':
    case 'detach':
      return predictExtension(model, call, id)
  }
}

type Of<K extends Call['kind']> = Extract<Call, { kind: K }>

function predictBranch({ chat, lines }: ChatModel, call: Of<'activate' | 'name'>): ChatEventType[] | Reason {
  if (!lines.has(call.branchId)) return 'branch_missing'
  if (chat.archived_at !== null) return 'chat_archived'
  if (call.kind === 'name') return ['branch.renamed']
  if (call.expected !== undefined && call.expected !== chat.active_branch_id) return 'branch_moved'
  return call.branchId === chat.active_branch_id ? [] : ['branch.activated']
}

function predictFork(model: ChatModel, call: Of<'branch' | 'diverge'>, id: string | null): ChatEventType[] | Reason {
  const message = model.state.messages[call.messageId]
  if (message === undefined) return 'message_missing'
  if (call.kind === 'branch') {
    const line = model.lines.get(call.parentId ?? message.branch_id)
    if (!line?.includes(message.id)) return 'branch_missing'
  }
  if (model.chat.archived_at !== null) return 'chat_archived'
  if (call.kind === 'diverge') {
    const known = model.said.get(call.clientId ?? '')
    if (known) {
      const same = known.content === call.content && known.sender_id === id
      return same && divergedFrom(model, known, message) ? [] : 'client_id_reused'
    }
  }
  if (message.deleted_at !== null) return 'message_deleted'
  return call.kind === 'branch' ? ['branch.created'] : ['branch.created', 'message.created', 'branch.activated']
}

function divergedFrom({ state }: ChatModel, known: Message, message: Message): boolean {
  const branch = state.branches[known.branch_id]
  return (
    branch?.parent_branch_id === message.branch_id &&
    branch.fork_position === message.position - 1 &&
    known.position === message.position
  )
}

function predictMessage(
  { chat, state }: ChatModel,
  call: Of<'edit' | 'delete' | 'react' | 'unreact'>,
  id: string | null,
): ChatEventType[] | Reason {
  if (chat.archived_at !== null) return 'chat_archived'
  const message = state.messages[call.messageId]
  const reaction = call.kind === 'react' || call.kind === 'unreact'
  if (reaction && id === null) return 'account_needed'
  if (message === undefined) return 'message_missing'
  if (!(reaction || isPrivileged(call.by)) && message.sender_id !== id) return 'not_yours'
  if (call.kind === 'delete') return message.deleted_at === null ? ['message.deleted'] : []
  if (message.deleted_at !== null) return 'message_deleted'
  if (call.kind === 'edit') return message.content === call.content ? [] : ['message.edited']
  const mine = message.reactions.filter(({ user_id }) => user_id === id).map(({ reaction_type }) => reaction_type)
  if (mine.includes(call.key) === (call.kind === 'react')) return []
  if (call.kind === 'unreact') return ['reaction.removed']
  const exclusive = ['like', 'dislike']
  const replaced = exclusive.includes(call.key) && mine.some((other) => exclusive.includes(other))
  return replaced ? ['reaction.removed', 'reaction.added'] : ['reaction.added']
}

function predictExtension(
  { chat, state }: ChatModel,
  call: Of<'attach' | 'detach'>,
  id: string | null,
): ChatEventType[] | Reason {
  const message = state.messages[call.messageId]
  if (message === undefined) return 'message_missing'
  if (chat.archived_at !== null) return 'chat_archived'
  if (message.deleted_at !== null) return 'message_deleted'
  const isTheirs = (...senders: (string | null)[]) => isPrivileged(call.by) || senders.includes(id)
  if (call.kind === 'attach') {
    if (!isTheirs(message.sender_id)) return 'not_yours'
    return message.attachments.some(({ url }) => url === call.url) ? [] : ['attachment.added']
  }
  const attachment = message.attachments.find((one) => one.id === call.attachmentId)
  if (attachment === undefined) return 'extension_missing'
  return isTheirs(message.sender_id, attachment.sender_id) ? ['attachment.removed'] : 'not_yours'
}
