import type {
  Attachment,
  Branch,
  Chat,
  FileReference,
  Message,
  MessageStatus,
  Reaction,
  SenderType,
  Source,
} from '../../contract/chats.ts'

/** How the tables' rows become what the contract names. */

/** Postgres's text of a time, as ISO 8601 with milliseconds and `Z`. */
export function isoTime(text: string): string {
  // Our sessions are in UTC and our columns have milliseconds, of which Postgres leaves out the zeros at the end. Putting
  // the text right costs a tenth of reading it as a date, and a page of history has a hundred of them.
  if (!text.endsWith('+00')) return new Date(text).toISOString()
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0')}Z`
}

function isoTimeOrNull(text: string | null): string | null {
  return text === null ? null : isoTime(text)
}

/** Who answers in a support session: the answerer, or a person; nobody any more, once it has ended. */
export type Handling = 'assistant' | 'people' | 'ended'

export type ChatRow = {
  id: string
  title: string
  owner_id: string | null
  customer_id: string | null
  agent_id: string | null
  handling: Handling | null
  active_branch_id: string
  last_seq: number
  branch_count: number
  metadata: Chat['metadata']
  created_at: string
  updated_at: string
  archived_at: string | null
  deleted_at: string | null
}

export function chatOf(row: ChatRow): Chat {
  return {
    id: row.id,
    title: row.title,
    user_id: row.owner_id,
    active_branch_id: row.active_branch_id,
    last_seq: Number(row.last_seq),
    metadata: row.metadata,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
    archived_at: isoTimeOrNull(row.archived_at),
    deleted_at: isoTimeOrNull(row.deleted_at),
  }
}

export type BranchRow = Omit<Branch, 'created_at'> & { created_at: string }

export function branchOf(row: BranchRow): Branch {
  return {
    id: row.id,
    chat_id: row.chat_id,
    name: row.name,
    parent_branch_id: row.parent_branch_id,
    fork_branch_id: row.fork_branch_id,
    fork_position: row.fork_position,
    created_by: row.created_by,
    created_at: isoTime(row.created_at),
  }
}

export type MessageRow = {
  id: string
  chat_id: string
  branch_id: string
  position: number
  seq: number
  sender_type: SenderType
  sender_id: string | null
  content: string
  status: MessageStatus
  metadata: Message['metadata']
  client_id: string | null
  created_at: string
  edited_at: string | null
  settled_at: string | null
  deleted_at: string | null
  // What hangs on it: not set where there is none.
  reactions?: Reaction[] | undefined
  files?: FileReference[] | undefined
  sources?: Source[] | undefined
  attachments?: Attachment[] | undefined
}

/** What clients of the originals know a sender as. */
export function messageTypeOf(sender: SenderType): Message['message_type'] {
  switch (sender) {
    case 'user':
      return 'user'
    case 'assistant':
    case 'agent':
      return 'ai'
    case 'system':
      return 'system'
  }
}

export function messageOf(row: MessageRow): Message {
  const deleted = row.deleted_at !== null
  return {
    id: row.id,
    chat_id: row.chat_id,
    branch_id: row.branch_id,
    position: row.position,
    seq: Number(row.seq),
    message_type: messageTypeOf(row.sender_type),
    sender_type: row.sender_type,
    sender_id: row.sender_id,
    content: deleted ? '' : row.content,
    status: row.status,
    metadata: deleted ? {} : row.metadata,
    client_id: row.client_id,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.deleted_at ?? later(row.edited_at, row.settled_at) ?? row.created_at),
    edited_at: isoTimeOrNull(row.edited_at),
    deleted_at: isoTimeOrNull(row.deleted_at),
    reactions: deleted ? [] : (row.reactions ?? []),
    sources: deleted ? [] : (row.sources ?? []),
    files: deleted ? [] : (row.files ?? []),
    attachments: deleted ? [] : (row.attachments ?? []),
  }
}

/** A row of `message_extensions`: what hangs on a message. */
export type ExtensionRow = {
  id: string
  message_id: string
  type: 'attachment' | 'reaction' | 'edit'
  sender_id: string | null
  data: Record<string, unknown>
  created_at: string
}

export function reactionOf({ sender_id, data, created_at }: ExtensionRow): Reaction {
  return { user_id: sender_id ?? '', reaction_type: String(data['key']), created_at: isoTime(created_at) }
}

export function attachmentOf({ id, sender_id, data, created_at }: ExtensionRow): Attachment {
  const { type, size } = data
  return {
    id,
    url: String(data['url']),
    name: String(data['name']),
    type: typeof type === 'string' ? type : null,
    size: typeof size === 'number' ? size : null,
    sender_id,
    created_at: isoTime(created_at),
  }
}

/** The later of two times, as Postgres writes them. */
function later(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other
  return isoTime(one) > isoTime(other) ? one : other
}
