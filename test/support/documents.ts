import fc from 'fast-check'
import { NO_ANSWERING } from '../../src/contract/answering.ts'
import { compareReactions } from '../../src/contract/chat-state.ts'
import type { ChatDocument } from '../../src/contract/transfer.ts'

const TIME = '2026-01-31T12:00:00.000Z'

/** A document of a chat with one branch. */
export function chatDocument({ messages }: { messages: number }): ChatDocument {
  const id = crypto.randomUUID()
  const root = { id, name: null, parent_branch_id: null, fork_position: 0, created_by: null, created_at: TIME }
  return {
    format: 'parley.chat',
    version: 1,
    exported_at: TIME,
    chat: { id, title: 'Talk', user_id: null, active_branch_id: id, metadata: {}, created_at: TIME, archived_at: null },
    branches: [root],
    messages: Array.from({ length: messages }, (_, index) => messageAt(id, index + 1, `message ${index + 1}`)),
  }
}

function messageAt(branch_id: string, position: number, content: string): ChatDocument['messages'][number] {
  return {
    id: crypto.randomUUID(),
    branch_id,
    position,
    sender_type: 'user',
    sender_id: null,
    content,
    status: 'completed',
    metadata: {},
    created_at: TIME,
    edited_at: null,
    deleted_at: null,
    reactions: [],
    edits: [],
    attachments: [],
    files: [],
    sources: [],
  }
}

const time = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }).map((ms) => new Date(ms).toISOString())
const word = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .map((text) => text.replaceAll('\0', ' '))
  .filter((text) => text.isWellFormed())
const said = word.filter((text) => text.trim() !== '')
const oneLine = fc.stringMatching(/^[\wéß世 "'\\]{1,20}$/u).filter((text) => text.trim() === text && text !== '')
const metadata = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,5}$/),
  fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.integer(), { maxLength: 3 })),
  { maxKeys: 3 },
)
const person = fc.option(oneLine, { nil: null })

/** What a message says, as it fits together. */
const told = fc
  .record({
    sender_type: fc.constantFrom('user' as const, 'assistant' as const, 'agent' as const, 'system' as const),
    sender_id: person,
    content: said,
    status: fc.constantFrom('completed' as const, 'stopped' as const, 'failed' as const),
    metadata,
    created_at: time,
    deleted_at: fc.option(time, { nil: null, freq: 6 }),
    edits: fc.array(fc.record({ content: word, replaced_at: time, replaced_by: person }), { maxLength: 3 }),
    reactions: fc.uniqueArray(
      fc.record({
        user_id: fc.uuid(),
        reaction_type: fc.constantFrom('like', 'dislike', '🎉', '❤️'),
        created_at: time,
      }),
      { maxLength: 4, selector: ({ user_id }) => user_id },
    ),
    sources: fc.array(
      fc.record({ title: word, url: word, content: word, created_at: time }, { requiredKeys: ['title', 'created_at'] }),
      { maxLength: 3 },
    ),
  })
  .map((message) => {
    const edits = message.edits.sort((one, other) => compare(one.replaced_at, other.replaced_at))
    const edited_at = edits.at(-1)?.replaced_at ?? null
    if (message.deleted_at !== null) {
      return { ...message, edited_at, content: '', metadata: {}, edits: [], reactions: [], sources: [] }
    }
    return { ...message, edited_at, edits, reactions: message.reactions.sort(compareReactions) }
  })

/** One step of a chat: a message of a branch, or a branch at a place of another. */
const step = fc.record({
  isBranch: fc.boolean(),
  at: fc.nat(),
  place: fc.nat(),
  name: fc.option(oneLine, { nil: null }),
  created_by: person,
  told,
  answer: fc.option(
    fc.record({
      answerer: oneLine,
      usage: fc.option(fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat() }), { nil: null }),
      error: fc.option(word, { nil: null }),
    }),
    { nil: null },
  ),
})

/** Documents of chats at random, as an export writes them. */
export const documents: fc.Arbitrary<ChatDocument> = fc
  .record({
    steps: fc.array(step, { maxLength: 40 }),
    title: oneLine,
    metadata,
    created_at: time,
    archived_at: fc.option(time, { nil: null }),
    prompt: fc.option(said, { nil: null }),
    active: fc.nat(),
  })
  .map(({ steps, active, prompt, ...chat }) => {
    const document = chatDocument({ messages: 0 })
    const { branches, messages } = document
    for (const root of branches) root.created_at = chat.created_at
    const heads = new Map(branches.map(({ id }) => [id, 0]))
    for (const { isBranch, at, place, name, created_by, told: message, answer } of steps) {
      const { id: line = '', created_at: since = '' } = branches[at % branches.length] ?? {}
      const head = heads.get(line) ?? 0
      if (isBranch) {
        const id = crypto.randomUUID()
        const fork_position = place % (head + 1)
        const created_at = compare(message.created_at, since) > 0 ? message.created_at : since
        branches.push({ id, name, parent_branch_id: line, fork_position, created_by, created_at })
        heads.set(id, fork_position)
      } else {
        const question_id = messages[place % Math.max(1, messages.length)]?.id
        const isMade = message.sender_type === 'assistant' && message.deleted_at === null
        const made =
          isMade && answer !== null && question_id !== undefined ? { answer: { question_id, ...answer } } : {}
        messages.push({ ...messageAt(line, head + 1, ''), ...message, ...made })
        heads.set(line, head + 1)
      }
    }
    const active_branch_id = branches[active % branches.length]?.id ?? ''
    const answering = prompt === null ? {} : { answering: { ...NO_ANSWERING, system_prompt: prompt } }
    return { ...document, chat: { ...document.chat, ...chat, ...answering, active_branch_id } }
  })

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

/** A document without what an import makes anew: ids are told by where they first come, and no time of export. */
export function inOwnWords({ chat, branches, messages, exported_at: _, ...rest }: ChatDocument) {
  // Branches are listed by their time and id.
  const listed = branches
    .map((branch, index) => ({ branch, index }))
    .sort((one, other) => compare(one.branch.created_at, other.branch.created_at) || one.index - other.index)
  const names = new Map(listed.map(({ branch }, index) => [branch.id, `branch ${index}`]))
  const named = (id: string | null) => (id === null ? null : names.get(id))
  return {
    ...rest,
    chat: { ...chat, id: '', active_branch_id: named(chat.active_branch_id) },
    branches: listed.map(({ branch: { id, parent_branch_id, ...told } }) => ({
      ...told,
      id: named(id),
      parent_branch_id: named(parent_branch_id),
    })),
    messages: messages.map(({ id: _id, branch_id, answer, ...told }) => ({
      ...told,
      branch_id: named(branch_id),
      answer: answer && { ...answer, question_id: messages.findIndex(({ id }) => id === answer.question_id) },
    })),
  }
}
