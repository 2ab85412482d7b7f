import { z } from 'zod'
import { Branch, BranchId, BranchName, exampleBranch, exampleMessage, FileIds, Message, NewMessage } from './chats.ts'

// What is asked of a chat's branches, and how it is answered.

export const NewBranch = z
  .object({
    name: BranchName.nullish(),
    parent_id: BranchId.optional().meta({
      description: 'The branch in whose history the message was seen; left out, the one that it was written in.',
    }),
  })
  .meta({
    id: 'NewBranch',
    description: 'It shares the history up to and with the message.',
    examples: [{ name: 'What if by train' }],
  })

export const BranchChange = z
  .object({ name: BranchName.nullable() })
  .meta({ id: 'BranchChange', examples: [{ name: 'By train' }] })

export const ActiveBranch = z
  .object({
    branch_id: BranchId,
    expected: BranchId.optional().meta({ description: 'The one that must be the active one still.' }),
  })
  .meta({ id: 'ActiveBranch', examples: [{ branch_id: exampleBranch.id }] })

/** With a name of its own: a type that holds itself cannot be written out. */
export interface BranchTree {
  id: string
  name: string | null
  parent_id: string | null
  children: BranchTree[]
}

export const BranchTree: z.ZodType<BranchTree> = z
  .object({
    id: BranchId,
    name: z.string().nullable(),
    parent_id: BranchId.nullable(),
    get children() {
      return z.array(BranchTree)
    },
  })
  .meta({
    id: 'BranchTree',
    description: 'A branch with all that were made from it.',
    examples: [
      {
        id: exampleBranch.chat_id,
        name: null,
        parent_id: null,
        children: [{ id: exampleBranch.id, name: exampleBranch.name, parent_id: exampleBranch.chat_id, children: [] }],
      },
    ],
  })

export const DivergingEdit = NewMessage.omit({ branch_id: true })
  .extend({
    file_ids: FileIds.meta({
      description:
        "Files of the account's own that it shows, in this order; left out: those of the message in whose place it is said.",
    }),
  })
  .meta({
    id: 'DivergingEdit',
    examples: [{ content: 'Hello, everyone!' }],
  })
export type DivergingEdit = z.infer<typeof DivergingEdit>

export const Divergence = z.object({ branch: Branch, message: Message }).meta({
  id: 'Divergence',
  description: 'The new branch, and its first message.',
  examples: [
    {
      branch: { ...exampleBranch, name: null, fork_position: 0 },
      message: {
        ...exampleMessage,
        id: '0198f3a2-0d4e-7b8f-9c11-5e6f7a8b9c0e',
        branch_id: exampleBranch.id,
        content: 'Hello, everyone!',
      },
    },
  ],
})
