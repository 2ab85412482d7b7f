import { type Answering, NO_ANSWERING, toldAnswering } from '../../contract/answering.ts'
import type { MessageStatus, Source } from '../../contract/chats.ts'
import type { ChatEvent } from '../../contract/events.ts'
import type { KeptUrl } from '../../contract/extensions.ts'
import type { TransferredMessage } from '../../contract/transfer.ts'
import type { PlannedBranch } from './import-plan.ts'
import type { LoggedEvent } from './log-store.ts'
import { EXCLUSIVE } from './messages.ts'
import { messageTypeOf } from './rows.ts'

export type ImportedMessage = Omit<
  TransferredMessage,
  'reactions' | 'edits' | 'attachments' | 'files' | 'sources' | 'answer'
> & {
  seq: number
  extended: boolean
}

export type ImportedExtension = {
  id: string
  message_id: string
  type: 'attachment' | 'reaction' | 'edit'
  sender_id: string | null
  data: { key: string } | { content: string; seq: number } | (KeptUrl & { seq: number })
  created_at: string
}

export type ImportedAnswer = Omit<NonNullable<TransferredMessage['answer']>, 'question_id'> & {
  id: string
  message: Pick<ImportedMessage, 'id' | 'branch_id' | 'status' | 'created_at'>
  question_id: string
}

/** What is written in one go: the branches before the messages. */
export type ImportBatch = {
  branches: Omit<PlannedBranch, 'after'>[]
  messages: ImportedMessage[]
  extensions: ImportedExtension[]
  sources: (Source & { position: number })[]
  answers: ImportedAnswer[]
  events: LoggedEvent[]
}

export type ImportedChat = {
  id: string
  title: string
  user_id: string | null
  metadata: TransferredMessage['metadata']
  active_branch_id: string
  created_at: string
  archived_at: string | null
}

/** What one statement takes at most: rows of a kind, and the length of their texts. */
const BATCH = { rows: 1000, weight: 2_000_000 }

/** Who said something, in the new chat; `null` where that is not told. */
export type Speaker = (person: string | null) => string | null

/**
 * The rows and events of a chat, in bounded batches. Its events are those of a chat in which all of it was
 * said just so: what they make of an empty chat is what a read of the rows gives.
 */
export class ImportBatches {
  readonly #chat: ImportedChat
  /** How it is answered; not set where it says nothing of it. */
  readonly answering: Answering | undefined
  readonly #branches: readonly PlannedBranch[]
  readonly #messages: readonly TransferredMessage[]
  readonly #speaker: Speaker
  /** The time of the import, which all its events have: the log forgets by age. */
  readonly #at: string
  /** The new id of each of the document's. */
  readonly #branchIds: ReadonlyMap<string, string>
  readonly #messageId: (id: string) => string
  /** The new ids of the messages so far. */
  readonly #messageIds = new Map<string, string>()
  #seq = 0
  #weight = 0
  #batch: ImportBatch = newBatch()

  constructor(parts: {
    chat: ImportedChat
    answering?: Answering
    branches: readonly PlannedBranch[]
    messages: readonly TransferredMessage[]
    branchIds: ReadonlyMap<string, string>
    /** The same for a message's. */
    messageId: (id: string) => string
    speaker: Speaker
    at: string
  }) {
    this.#chat = parts.chat
    this.answering = Bun.deepEquals(parts.answering, NO_ANSWERING) ? undefined : parts.answering
    this.#branches = parts.branches
    this.#messages = parts.messages
    this.#speaker = parts.speaker
    this.#at = parts.at
    this.#branchIds = parts.branchIds
    this.#messageId = parts.messageId
  }

  /** The `seq` of the newest event; once all batches were taken, the chat's. */
  get lastSeq(): number {
    return this.#seq
  }

  *batches(): Generator<ImportBatch> {
    const { id, active_branch_id } = this.#chat
    this.#tell('chat.created', { ...this.#chat, active_branch_id: id, deleted_at: null })
    if (this.answering !== undefined) this.#tell('answering.changed', toldAnswering(this.answering))
    for (const step of this.#steps()) {
      if ('position' in step) this.#addMessage(step)
      else this.#addBranch(step)
      if (this.#isFull()) yield this.#take()
    }
    if (active_branch_id !== id) this.#tell('branch.activated', { branch_id: active_branch_id })
    yield this.#take()
  }

  /** What was made and said, in order. */
  *#steps(): Generator<PlannedBranch | TransferredMessage> {
    const branches = Map.groupBy(this.#branches, ({ after }) => after)
    for (let index = 0; index <= this.#messages.length; index++) {
      yield* branches.get(index) ?? []
      const message = this.#messages[index]
      if (message !== undefined) yield message
    }
  }

  #branchId(id: string): string {
    return this.#branchIds.get(id) ?? this.#chat.id
  }

  #addBranch({
    id,
    name,
    parent_branch_id,
    fork_branch_id,
    fork_position,
    head,
    created_by,
    created_at,
  }: PlannedBranch): void {
    const idOrNull = (of: string | null) => (of === null ? null : this.#branchId(of))
    const branch = {
      id: this.#branchId(id),
      name,
      parent_branch_id: idOrNull(parent_branch_id),
      fork_branch_id: idOrNull(fork_branch_id),
      fork_position,
      created_by: this.#speaker(created_by),
      created_at,
    }
    this.#batch.branches.push({ ...branch, head })
    this.#tell('branch.created', { ...branch, chat_id: this.#chat.id })
  }

  #addMessage({ reactions, edits, attachments, files: _, sources, answer, ...told }: TransferredMessage): void {
    const message = {
      ...told,
      id: this.#messageId(told.id),
      branch_id: this.#branchId(told.branch_id),
      sender_id: this.#speaker(told.sender_id),
      status: settled(told.status),
    }
    const { id, content, edited_at, deleted_at } = message
    const { edited_at: _edited, deleted_at: _deleted, ...created } = message
    this.#messageIds.set(told.id, id)
    const cited = sources.map((source) => ({ ...source, id: Bun.randomUUIDv7(), message_id: id }))
    this.#batch.sources.push(...cited.map((source, position) => ({ ...source, position })))
    if (answer !== undefined) this.#addAnswer(message, answer)
    const seq = this.#tell('message.created', {
      ...created,
      chat_id: this.#chat.id,
      message_type: messageTypeOf(message.sender_type),
      content: edits[0]?.content ?? content,
      client_id: null,
      ...(cited.length > 0 ? { sources: cited } : {}),
    })
    for (const [index, edit] of edits.entries()) {
      this.#extend(
        id,
        'edit',
        this.#speaker(edit.replaced_by),
        { content: edit.content, seq: this.#seq + 1 },
        edit.replaced_at,
      )
      const next = edits[index + 1]
      if (next === undefined) break
      this.#tell('message.edited', { message_id: id, content: next.content, edited_at: edit.replaced_at })
    }
    if (edited_at !== null) this.#tell('message.edited', { message_id: id, content, edited_at })
    const reacted = this.#addReactions(id, reactions)
    this.#addAttachments(id, attachments)
    if (deleted_at !== null) this.#tell('message.deleted', { message_id: id, deleted_at })
    this.#batch.messages.push({
      ...message,
      seq,
      extended: edits.length + attachments.length + cited.length > 0 || reacted,
    })
    this.#weight += content.length
  }

  #addAnswer(
    { id, branch_id, status, created_at }: ImportedAnswer['message'],
    { question_id, ...run }: NonNullable<TransferredMessage['answer']>,
  ): void {
    const question = this.#messageIds.get(question_id)
    if (question === undefined) return
    const message = { id, branch_id, status, created_at }
    this.#batch.answers.push({ id: Bun.randomUUIDv7(), message, question_id: question, ...run })
  }

  /** Those of accounts that are told, of which each has one `like` or `dislike` and one of each emoji. */
  #addReactions(message_id: string, reactions: TransferredMessage['reactions']): boolean {
    const seen = new Set<string>()
    for (const { user_id: person, reaction_type, created_at } of reactions) {
      const user_id = this.#speaker(person)
      const kind = `${user_id} ${EXCLUSIVE.includes(reaction_type) ? '' : reaction_type}`
      if (user_id === null || seen.has(kind)) continue
      seen.add(kind)
      this.#extend(message_id, 'reaction', user_id, { key: reaction_type }, created_at)
      this.#tell('reaction.added', { message_id, user_id, reaction_type, created_at })
    }
    return seen.size > 0
  }

  #addAttachments(message_id: string, attachments: TransferredMessage['attachments']): void {
    for (const { sender_id: person, created_at, ...attached } of attachments) {
      const sender_id = this.#speaker(person)
      const id = this.#extend(message_id, 'attachment', sender_id, { ...attached, seq: this.#seq + 1 }, created_at)
      this.#tell('attachment.added', { message_id, attachment: { id, ...attached, sender_id, created_at } })
    }
  }

  #extend(
    message_id: string,
    type: ImportedExtension['type'],
    sender_id: string | null,
    data: ImportedExtension['data'],
    created_at: string,
  ): string {
    const id = Bun.randomUUIDv7()
    this.#batch.extensions.push({ id, message_id, type, sender_id, data, created_at })
    return id
  }

  #tell(type: ChatEvent['type'], data: object): number {
    this.#seq += 1
    const text = JSON.stringify(data)
    this.#batch.events.push({ chatId: this.#chat.id, seq: this.#seq, type, data: text, at: this.#at })
    this.#weight += text.length
    return this.#seq
  }

  #isFull(): boolean {
    return this.#batch.events.length >= BATCH.rows || this.#weight >= BATCH.weight
  }

  #take(): ImportBatch {
    const batch = this.#batch
    this.#batch = newBatch()
    this.#weight = 0
    return batch
  }
}

function newBatch(): ImportBatch {
  return { branches: [], messages: [], extensions: [], sources: [], answers: [], events: [] }
}

/** Nobody goes on with an answer that was being written where the document comes from. */
function settled(status: MessageStatus): MessageStatus {
  return status === 'pending' || status === 'processing' ? 'stopped' : status
}
