import { z } from 'zod'
import { AccountId } from './accounts.ts'
import { BranchId, BranchName, exampleBranch, exampleChat, MessageId, Metadata, Title } from './chats.ts'
import { Content, Id, Timestamp } from './text.ts'

// The Branching API: a branch is a chat there, and a question with its answer is one thing.

/** A chat, or one of its branches. */
export const LineId = BranchId.meta({ description: 'A chat, or one of its branches.', examples: [exampleChat.id] })
const ChatType = z.enum(['personal', 'branch'])

const responseId = '0198f3a1-9c40-7d21-8e66-7c2a1f3e5d4b'
const time = exampleChat.created_at
const exampleLine = {
  id: exampleChat.id,
  name: 'Trip to Lisbon',
  chat_type: 'personal' as const,
  account_id: exampleChat.user_id,
  created_at: time,
  updated_at: time,
  active: true,
}
const examplePair = {
  question: 'When is it warm in Lisbon?',
  response: 'From May to October.',
  response_id: responseId,
  timestamp: time,
  branches: [exampleBranch.id],
}

export const LineQuery = z.object({ chat_id: LineId })

export const NewLine = z
  .object({ name: Title, chat_type: ChatType.nullish() })
  .meta({ id: 'NewBranchingChat', examples: [{ name: 'Trip to Lisbon' }] })

export const Line = z
  .object({
    id: LineId,
    name: z.string(),
    chat_type: ChatType.meta({ description: '`branch` for a branch.' }),
    account_id: AccountId.nullable().meta({ description: 'Its owner; null where a back end made it for nobody.' }),
    created_at: Timestamp,
    updated_at: Timestamp,
    active: z.boolean().meta({
      description: 'False while the chat is archived and read only. A branch shares it with its chat.',
    }),
  })
  .meta({ id: 'BranchingChat', description: 'A chat, or one of its branches.', examples: [exampleLine] })
export type Line = z.infer<typeof Line>

export const LineChange = z.object({ name: BranchName.nullish(), active: z.boolean().nullish() }).meta({
  id: 'BranchingChatChange',
  description: 'What is left out, or null, stays as it is.',
  examples: [{ name: 'Trip to Porto' }],
})

export const QaPair = z
  .object({
    question: z.string(),
    response: z.string(),
    response_id: MessageId,
    timestamp: Timestamp.meta({ description: 'When it was answered.' }),
    branches: z.array(BranchId).meta({ description: 'The branches that start at it, oldest first.' }),
  })
  .meta({ id: 'QaPair', examples: [examplePair] })
export type QaPair = z.infer<typeof QaPair>

export const LineHistory = z
  .object({
    chat: Line,
    qa_pairs: z.array(QaPair),
    active_branch_id: LineId.meta({
      description: "The branch that is active; the chat's own id until one is made so.",
    }),
  })
  .meta({
    id: 'BranchingHistory',
    description: 'A chat or a branch, with its questions and answers, oldest first.',
    examples: [{ chat: exampleLine, qa_pairs: [examplePair], active_branch_id: exampleChat.id }],
  })
export type LineHistory = z.infer<typeof LineHistory>

export const Question = z
  .object({
    chat_id: LineId,
    question: Content,
    client_id: Id.optional().meta({ description: 'Asking again with the same one stores nothing twice.' }),
  })
  .meta({ id: 'Question', examples: [{ chat_id: exampleChat.id, question: 'When is it warm in Lisbon?' }] })

export const AnsweredQuestion = QaPair.extend({ metadata: Metadata }).meta({
  id: 'AnsweredQuestion',
  description: 'The question with its answer.',
  examples: [{ ...examplePair, branches: [], metadata: {} }],
})
export type AnsweredQuestion = z.infer<typeof AnsweredQuestion>

export const NewLineBranch = z
  .object({ chat_id: LineId, response_id: MessageId, name: BranchName.nullish() })
  .meta({ id: 'NewLineBranch', examples: [{ chat_id: exampleChat.id, response_id: responseId }] })

export const LineBranch = z
  .object({
    id: BranchId,
    name: z.string(),
    parent_chat_id: LineId,
    parent_response_id: MessageId.nullable().meta({
      description: 'The message that it shares the history up to; null where it shares none.',
    }),
    created_at: Timestamp,
  })
  .meta({
    id: 'LineBranch',
    description: 'A branch, and where it starts.',
    examples: [
      {
        id: exampleBranch.id,
        name: 'Branch of Trip to Lisbon',
        parent_chat_id: exampleChat.id,
        parent_response_id: responseId,
        created_at: time,
      },
    ],
  })
export type LineBranch = z.infer<typeof LineBranch>

/** With a name of its own: a type that holds itself cannot be written out. */
export interface LineTree {
  id: string
  name: string
  parent_id: string | null
  children: LineTree[]
}

export const LineTree: z.ZodType<LineTree> = z
  .object({
    id: LineId,
    name: z.string(),
    parent_id: LineId.nullable(),
    get children() {
      return z.array(LineTree)
    },
  })
  .meta({ id: 'LineTree', description: 'A chat or branch with all branches that were made from it.' })

const exampleTree = {
  id: exampleChat.id,
  name: 'Trip to Lisbon',
  parent_id: null,
  children: [{ id: exampleBranch.id, name: 'Branch of Trip to Lisbon', parent_id: exampleChat.id, children: [] }],
}

export const WholeTree = z.object({ root_id: LineId, tree: LineTree }).meta({
  id: 'WholeTree',
  description: 'All branches of a chat, from the chat itself down.',
  examples: [{ root_id: exampleChat.id, tree: exampleTree }],
})
export type WholeTree = z.infer<typeof WholeTree>

export const ActivationQuery = z.object({ chat_id: LineId, branch_id: LineId })

export const Activated = z
  .object({ message: z.literal('Branch activated successfully') })
  .meta({ id: 'Activated', examples: [{ message: 'Branch activated successfully' }] })
