import { NO_TOLD_ANSWERING, type ToldAnswering } from './answering.ts'
import type { Attachment, Branch, Chat, Message, Reaction } from './chats.ts'
import type { ChatEvent } from './events.ts'

/** How far somebody has read: up to and with this position of this branch. */
export type ReadState = { branch_id: string; position: number; updated_at: string }

/**
 * A chat as its events tell it. A reader may begin with a part of its messages and branches: an event about one that it
 * does not have leaves the others as they are.
 */
export type ChatState = {
  /** `null` before the first event. Its `last_seq` is the cursor: the last event that was applied. */
  chat: Chat | null
  /** By id. */
  branches: Readonly<Record<string, Branch>>
  /** By id. */
  messages: Readonly<Record<string, Message>>
  /** By person. */
  read_cursors: Readonly<Record<string, ReadState>>
  answering: ToldAnswering
}

export const NO_CHAT: ChatState = {
  chat: null,
  branches: {},
  messages: {},
  read_cursors: {},
  answering: NO_TOLD_ANSWERING,
}

/**
 * The state after one more event; the one given stays as it is. An event that was applied before changes nothing. Throws
 * `RangeError` for one that does not follow the last: read those between from the log first.
 */
export function applyEvent(state: ChatState, event: ChatEvent): ChatState {
  const last = state.chat?.last_seq ?? 0
  if (event.seq <= last) return state
  if (event.seq > last + 1) throw new RangeError(`Event ${event.seq} does not follow ${last}: read the log after it.`)
  const next = changedBy(state, event)
  if (next.chat === null) return next
  // Reading moves nothing up in a list of chats.
  const updated_at = event.type === 'read.moved' ? next.chat.updated_at : event.at
  return { ...next, chat: { ...next.chat, last_seq: event.seq, updated_at } }
}

function changedBy(state: ChatState, event: ChatEvent): ChatState {
  switch (event.type) {
    case 'chat.created':
      return { ...state, chat: { ...event.data, last_seq: event.seq, updated_at: event.at } }
    case 'chat.updated':
      return withChat(state, given(event.data))
    case 'chat.deleted':
      return withChat(state, event.data)
    case 'chat.restored':
      return withChat(state, { deleted_at: null })
    case 'branch.created':
      return { ...state, branches: { ...state.branches, [event.data.id]: event.data } }
    case 'branch.renamed':
      return withBranchName(state, event.data.branch_id, event.data.name)
    case 'branch.activated':
      return withChat(state, { active_branch_id: event.data.branch_id })
    // Of its support session, which is another thing to read.
    case 'support.updated':
      return state
    case 'read.moved': {
      const { user_id, branch_id, position } = event.data
      const cursor = { branch_id, position, updated_at: event.at }
      return { ...state, read_cursors: { ...state.read_cursors, [user_id]: cursor } }
    }
    case 'message.created': {
      const { created_at = event.at, number: _, files = [], sources = [], ...said } = event.data
      const times = { created_at, updated_at: created_at, edited_at: null, deleted_at: null }
      const message = { ...said, seq: event.seq, ...times, reactions: [], sources, files, attachments: [] }
      return { ...state, messages: { ...state.messages, [message.id]: message } }
    }
    case 'answering.changed':
      return { ...state, answering: event.data }
    case 'answer.queued':
      return withMessage(state, event.data.message_id, () => ({ status: 'pending' }))
    case 'answer.started': {
      const { message_id, offset } = event.data
      return withMessage(state, message_id, ({ content }) => ({
        status: 'processing',
        content: content.slice(0, offset),
      }))
    }
    case 'answer.ended': {
      const { message_id, status, content, sources } = event.data
      const said = { status, content, sources, updated_at: event.at }
      return withMessage(state, message_id, ({ deleted_at }) => (deleted_at === null ? said : { status }))
    }
    case 'message.edited': {
      const { message_id, content, edited_at } = event.data
      return withMessage(state, message_id, () => ({ content, edited_at, updated_at: edited_at }))
    }
    case 'message.deleted': {
      const { message_id, deleted_at } = event.data
      const emptied = {
        content: '',
        metadata: {},
        reactions: [],
        sources: [],
        files: [],
        attachments: [],
        deleted_at,
        updated_at: deleted_at,
      }
      return withMessage(state, message_id, () => emptied)
    }
    case 'file.processed': {
      const { message_id, file_id, preview_url } = event.data
      if (preview_url === null) return state
      return withMessage(state, message_id, ({ files }) => ({
        files: files.map((file) => (file.id === file_id ? { ...file, preview_url } : file)),
      }))
    }
    case 'file.attached': {
      const { message_id, file } = event.data
      return withMessage(state, message_id, ({ files }) => ({ files: [...files, file] }))
    }
    case 'file.detached': {
      const { message_id, file_id } = event.data
      return withMessage(state, message_id, ({ files }) => ({ files: files.filter(({ id }) => id !== file_id) }))
    }
    case 'attachment.added': {
      const { message_id, attachment } = event.data
      return withMessage(state, message_id, ({ attachments }) => ({
        attachments: [...attachments, attachment].sort(compareAttachments),
      }))
    }
    case 'attachment.removed': {
      const { message_id, attachment_id } = event.data
      return withMessage(state, message_id, ({ attachments }) => ({
        attachments: attachments.filter(({ id }) => id !== attachment_id),
      }))
    }
    case 'reaction.added': {
      const { message_id, ...reaction } = event.data
      return withMessage(state, message_id, ({ reactions }) => ({
        reactions: [...reactions, reaction].sort(compareReactions),
      }))
    }
    case 'reaction.removed': {
      const { message_id, user_id, reaction_type } = event.data
      const others = (one: Reaction) => one.user_id !== user_id || one.reaction_type !== reaction_type
      return withMessage(state, message_id, ({ reactions }) => ({ reactions: reactions.filter(others) }))
    }
  }
}

/** The messages of a branch's history that are there, oldest first: of the active branch where none is named. */
export function historyIn(state: ChatState, branchId = state.chat?.active_branch_id): Message[] {
  /** By branch: its messages up to this position. */
  const upTo = new Map<string, number>()
  let end = Number.POSITIVE_INFINITY
  for (let id = branchId ?? null; id !== null && !upTo.has(id); ) {
    upTo.set(id, end)
    const branch: Branch | undefined = state.branches[id]
    end = Math.min(end, branch?.fork_position ?? 0)
    id = branch?.parent_branch_id ?? null
  }
  return Object.values(state.messages)
    .filter(({ branch_id, position }) => position <= (upTo.get(branch_id) ?? 0))
    .sort((one, other) => one.position - other.position)
}

/** The order of a message's reactions in every read: by time, and in one way where the times are the same. */
export function compareReactions(one: Reaction, other: Reaction): number {
  return (
    compareTexts(one.created_at, other.created_at) ||
    compareTexts(one.user_id, other.user_id) ||
    compareTexts(one.reaction_type, other.reaction_type)
  )
}

/** The same of its attachments. */
export function compareAttachments(one: Attachment, other: Attachment): number {
  return compareTexts(one.created_at, other.created_at) || compareTexts(one.id, other.id)
}

function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

function withChat(state: ChatState, change: Partial<Chat>): ChatState {
  return state.chat === null ? state : { ...state, chat: { ...state.chat, ...change } }
}

function withBranchName(state: ChatState, branchId: string, name: string | null): ChatState {
  const branch = state.branches[branchId]
  if (branch === undefined) return state
  return { ...state, branches: { ...state.branches, [branchId]: { ...branch, name } } }
}

function withMessage(state: ChatState, messageId: string, change: (message: Message) => Partial<Message>): ChatState {
  const message = state.messages[messageId]
  if (message === undefined) return state
  return { ...state, messages: { ...state.messages, [messageId]: { ...message, ...change(message) } } }
}

/** What an optional field holds, without those that are there and hold nothing. */
function given({ title, metadata, archived_at }: Extract<ChatEvent, { type: 'chat.updated' }>['data']): Partial<Chat> {
  return {
    ...(title === undefined ? {} : { title }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(archived_at === undefined ? {} : { archived_at }),
  }
}
