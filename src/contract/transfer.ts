import { z } from 'zod'
import { AccountId, PersonId } from './accounts.ts'
import { Answering, NO_ANSWERING } from './answering.ts'
import { ReactionKey } from './chat-calls.ts'
import {
  BranchId,
  BranchName,
  ChatId,
  exampleBranch,
  exampleChat,
  exampleMessage,
  FileReference,
  MessageId,
  MessageStatus,
  Metadata,
  Position,
  SenderType,
  SOURCE_MAX,
  SOURCES_MAX,
} from './chats.ts'
import { AnswerUsage } from './events.ts'
import { AttachedUrl } from './extensions.ts'
import { FILE_NAME_MAX } from './files.ts'
import { Id, Timestamp } from './text.ts'

// A chat as a document: what an export writes and an import reads.

/** The longest document that is imported, in bytes. */
export const TRANSFER_MAX = 32_000_000
/** As many branches as an imported chat has at most. */
export const TRANSFER_BRANCHES_MAX = 10_000

/** The database knows no year 0. */
const Time = Timestamp.refine((time) => !time.startsWith('0000'), 'There is no year 0.')
/** A person, as the server that wrote the document calls one. */
const Person = text(255).nullable()
/** Longer than a message that somebody posts: an answer may be. */
const Content = text(262_144)

function text(max: number) {
  return z
    .string()
    .max(max)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'Use well-formed text without NUL characters.')
}

const TransferredChat = z.strictObject({
  id: ChatId,
  title: text(200),
  user_id: AccountId.nullable().meta({
    description: "Its owner. What is theirs in here is the new chat's owner's after an import.",
  }),
  active_branch_id: BranchId,
  metadata: Metadata,
  created_at: Time,
  archived_at: Time.nullable(),
  answering: z
    .strictObject(Answering.shape)
    .optional()
    .meta({ description: 'How it is answered. An answerer that the importing server does not have is left out.' }),
})

const TransferredBranch = z.strictObject({
  id: BranchId,
  name: BranchName.nullable(),
  parent_branch_id: BranchId.nullable().meta({ description: 'Null for the root, of which there is one.' }),
  fork_position: Position.max(2_000_000_000).meta({
    description: "It shares its parent's history up to and with this position.",
  }),
  created_by: Person,
  created_at: Time,
})
export type TransferredBranch = z.infer<typeof TransferredBranch>

const TransferredReaction = z.strictObject({ user_id: PersonId, reaction_type: ReactionKey, created_at: Time })

const TransferredEdit = z
  .strictObject({ content: Content, replaced_at: Time, replaced_by: Person })
  .meta({ description: 'What the message said before an edit.' })

const TransferredAttachment = z.strictObject({
  ...AttachedUrl.shape,
  type: AttachedUrl.shape.type.unwrap(),
  size: AttachedUrl.shape.size.unwrap(),
  sender_id: Person,
  created_at: Time,
})

const TransferredSource = z.strictObject({
  title: text(SOURCE_MAX.title),
  url: text(SOURCE_MAX.url).optional(),
  content: text(SOURCE_MAX.content).optional(),
  created_at: Time,
})

const TransferredFile = z.strictObject({
  id: Id,
  name: text(FILE_NAME_MAX),
  file_type: FileReference.shape.file_type,
  mime_type: text(255),
  size: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})

const TransferredAnswer = z
  .strictObject({
    question_id: MessageId.meta({ description: 'The message that it answers, which comes before it.' }),
    answerer: text(50),
    usage: AnswerUsage.nullable(),
    error: text(1000).nullable().meta({ description: 'Why it failed, for a person to read.' }),
  })
  .meta({ description: 'How an answer was made: its newest run.' })

export const TransferredMessage = z
  .strictObject({
    id: MessageId,
    branch_id: BranchId.meta({ description: 'The branch that it was written in.' }),
    position: Position.positive().meta({
      description: "Its place in the branch's history: of a branch's messages each is one after the one before.",
    }),
    sender_type: SenderType,
    sender_id: Person,
    content: Content,
    status: MessageStatus,
    metadata: Metadata,
    created_at: Time,
    edited_at: Time.nullable(),
    deleted_at: Time.nullable(),
    reactions: z.array(TransferredReaction).max(10_000),
    edits: z.array(TransferredEdit).max(10_000).meta({ description: 'Oldest first.' }),
    attachments: z.array(TransferredAttachment).max(1000).default([]),
    files: z.array(TransferredFile).max(100).default([]).meta({
      description: 'What the message shows, without the bytes: an import knows of them and shows none.',
    }),
    sources: z.array(TransferredSource).max(SOURCES_MAX).default([]).meta({ description: 'Of an answer.' }),
    answer: TransferredAnswer.optional(),
  })
  .refine(
    ({ content, sender_type, deleted_at }) => deleted_at !== null || sender_type !== 'user' || content.trim() !== '',
    { path: ['content'], error: 'Content must not be blank.' },
  )
  .refine(
    ({ deleted_at, content, metadata, reactions, edits, attachments, files, sources, answer }) =>
      deleted_at === null ||
      (content === '' &&
        [reactions, edits, attachments, files, sources].every(({ length }) => length === 0) &&
        answer === undefined &&
        Object.keys(metadata).length === 0),
    {
      path: ['deleted_at'],
      error: 'A deleted message has no content, metadata, reactions, edits, attachments, files, sources and answer.',
    },
  )
  .refine(({ edits, edited_at }) => edits.length === 0 || edited_at !== null, {
    path: ['edited_at'],
    error: 'A message with edits was edited.',
  })
  .refine(
    ({ edits }) => edits.every(({ replaced_at }, index) => replaced_at >= (edits[index - 1]?.replaced_at ?? '')),
    {
      path: ['edits'],
      error: 'Edits have the order of time.',
    },
  )
  .meta({ id: 'TransferredMessage' })
export type TransferredMessage = z.infer<typeof TransferredMessage>

const { id, title, user_id, active_branch_id, metadata, created_at, archived_at } = exampleChat
const answering = { ...NO_ANSWERING, system_prompt: 'Answer in rhyme.' }
const exampleDocument = {
  format: 'parley.chat' as const,
  version: 1 as const,
  exported_at: exampleChat.created_at,
  chat: { id, title, user_id, active_branch_id, metadata, created_at, archived_at, answering },
  branches: [
    { id, name: null, parent_branch_id: null, fork_position: 0, created_by: user_id, created_at },
    {
      id: exampleBranch.id,
      name: exampleBranch.name,
      parent_branch_id: exampleBranch.parent_branch_id,
      fork_position: exampleBranch.fork_position,
      created_by: exampleBranch.created_by,
      created_at: exampleBranch.created_at,
    },
  ],
  messages: [
    {
      id: exampleMessage.id,
      branch_id: exampleMessage.branch_id,
      position: exampleMessage.position,
      sender_type: exampleMessage.sender_type,
      sender_id: exampleMessage.sender_id,
      content: exampleMessage.content,
      status: exampleMessage.status,
      metadata: exampleMessage.metadata,
      created_at: exampleMessage.created_at,
      edited_at: null,
      deleted_at: null,
      reactions: [],
      edits: [],
      attachments: [],
      files: [],
      sources: [],
    },
  ],
}

export const ChatDocument = z
  .strictObject({
    format: z.literal('parley.chat'),
    version: z.literal(1),
    exported_at: Time,
    chat: TransferredChat,
    branches: z.array(TransferredBranch).min(1).max(TRANSFER_BRANCHES_MAX),
    messages: z.array(TransferredMessage).meta({ description: 'Those of all branches, in the order of writing.' }),
  })
  .meta({ id: 'ChatDocument', description: 'A chat with all its branches.', examples: [exampleDocument] })
export type ChatDocument = z.infer<typeof ChatDocument>

const exampleMarkdown = `# Trip to Lisbon

Chat ${exampleChat.id}, branch ${exampleChat.id}

## user · ${exampleMessage.created_at}

> ${exampleMessage.content}
`

export const ExportedChat = z
  .union([ChatDocument, z.string().meta({ description: 'With `format=markdown`, as `text/markdown`.' })])
  .meta({ description: 'The chat, or one branch of it.', examples: [exampleDocument, exampleMarkdown] })
export type ExportedChat = z.infer<typeof ExportedChat>

// Takes anything: the type tells a caller what is read, once the messages are checked, which are many, in slices.
const UncheckedMessage = z.unknown() as z.ZodType<TransferredMessage, TransferredMessage>

/** A document whose messages are not checked yet. */
export const ImportedDocument = ChatDocument.extend({
  messages: z.array(UncheckedMessage).meta({ description: 'Each a `TransferredMessage`, as an export writes it.' }),
}).meta({ id: 'ImportedDocument', description: 'What an export wrote.', examples: [exampleDocument] })
export type ImportedDocument = Omit<ChatDocument, 'messages'> & { messages: readonly unknown[] }

export const ExportQuery = z
  .object({
    format: z.enum(['json', 'markdown']).optional().meta({ description: '`json` where it is left out.' }),
    branch_id: BranchId.optional().meta({
      description: 'With `markdown`: the branch that is written, the active one where it is left out.',
    }),
  })
  .refine(({ format, branch_id }) => branch_id === undefined || format === 'markdown', {
    path: ['branch_id'],
    error: 'JSON has every branch.',
  })
