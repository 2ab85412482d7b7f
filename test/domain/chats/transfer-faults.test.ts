import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type ChatDocument, ImportedDocument } from '../../../src/contract/transfer.ts'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'
import { chatDocument } from '../../support/documents.ts'

setDefaultTimeout(120_000)

type Place = (string | number)[]

const A = '0198f3a0-0000-7000-8000-00000000000a'
const B = '0198f3a0-0000-7000-8000-00000000000b'

/** A branch of the root, or of another. */
function branchOf(
  { branches }: ChatDocument,
  id: string,
  { parent, at = 0 }: { parent?: string | null; at?: number } = {},
) {
  const [root] = branches
  return { ...root, id, parent_branch_id: parent === undefined ? root?.id : parent, fork_position: at }
}

/** What is wrong with the document as a whole, and where. */
const TREES: [string, (document: ChatDocument) => object, Place][] = [
  ['no root', ({ branches: [root] }) => ({ branches: [{ ...root, parent_branch_id: B }] }), ['branches']],
  ['two roots', (one) => withBranches(one, branchOf(one, A, { parent: null })), ['branches', 1, 'parent_branch_id']],
  [
    'a root that forks',
    ({ branches: [root] }) => ({ branches: [{ ...root, fork_position: 1 }] }),
    ['branches', 0, 'fork_position'],
  ],
  [
    'an unknown parent',
    (one) => withBranches(one, branchOf(one, A, { parent: B })),
    ['branches', 1, 'parent_branch_id'],
  ],
  [
    'a cycle',
    (one) => withBranches(one, branchOf(one, A, { parent: B }), branchOf(one, B, { parent: A })),
    ['branches', 1, 'parent_branch_id'],
  ],
  [
    'a branch that is its own parent',
    (one) => withBranches(one, branchOf(one, A, { parent: A })),
    ['branches', 1, 'parent_branch_id'],
  ],
  ['a branch twice', (one) => withBranches(one, branchOf(one, A), branchOf(one, A)), ['branches', 2, 'id']],
  ['a fork beyond the end', (one) => withBranches(one, branchOf(one, A, { at: 4 })), ['branches', 1, 'fork_position']],
  [
    'a message before the one that its branch forks at',
    (one) => {
      const [first, second, third] = one.messages
      return {
        ...withBranches(one, branchOf(one, A, { at: 2 })),
        messages: [first, { ...third, branch_id: A }, second],
      }
    },
    ['branches', 1, 'fork_position'],
  ],
  [
    'an unknown active branch',
    ({ chat }) => ({ chat: { ...chat, active_branch_id: A } }),
    ['chat', 'active_branch_id'],
  ],
  ['a gap', ({ messages: [one, , three] }) => ({ messages: [one, three] }), ['messages', 1, 'position']],
  ['a place twice', ({ messages: [one] }) => ({ messages: [one, one] }), ['messages', 1, 'position']],
  [
    'an id twice',
    ({ messages: [one, two, three] }) => ({ messages: [one, { ...two, id: one?.id }, three] }),
    ['messages', 1, 'id'],
  ],
  ['a message that is none', () => ({ messages: [null] }), ['messages', 0]],
]

function withBranches({ branches }: ChatDocument, ...more: object[]) {
  return { branches: [...branches, ...more] }
}

const TIME = '2026-01-31T12:00:00.000Z'
const edit = { content: 'before', replaced_at: TIME, replaced_by: null }

/** What is wrong with the first message, and which field of it is told. */
const MESSAGES: [string, object, Place][] = [
  ['an unknown branch', { branch_id: B }, ['branch_id']],
  ['a first place that is none', { position: 0 }, ['position']],
  ['an unknown field', { seq: 1 }, []],
  ['blank content', { content: ' ' }, ['content']],
  ['a NUL character', { content: 'a\0' }, ['content']],
  ['half a surrogate pair', { content: 'a\ud800' }, ['content']],
  ['huge content', { content: 'x'.repeat(300_000) }, ['content']],
  ['huge metadata', { metadata: { x: 'x'.repeat(9000) } }, ['metadata']],
  ['a deleted message that still says something', { deleted_at: TIME }, ['deleted_at']],
  ['edits of a message that was not edited', { edits: [edit] }, ['edited_at']],
  [
    'edits against the order of time',
    { edited_at: TIME, edits: [edit, { ...edit, replaced_at: '2020-01-01T00:00:00.000Z' }] },
    ['edits'],
  ],
  [
    'a reaction that is none',
    { reactions: [{ user_id: A, reaction_type: 'boo', created_at: TIME }] },
    ['reactions', 0, 'reaction_type'],
  ],
  ['a year that is none', { created_at: '0000-01-01T00:00:00.000Z' }, ['created_at']],
  ['a day that is none', { created_at: '2026-02-30T00:00:00.000Z' }, ['created_at']],
]

for (const { kind, open } of testDatabases()) {
  describe(`a document on ${kind} that is refused writes nothing`, () => {
    let world: ChatWorld
    let admin: Actor
    beforeAll(async () => {
      world = await chatWorld(await open())
      admin = await newActor(world.database, 'admin')
    })
    afterAll(() => world.database.close())

    const imported = (document: unknown, by = admin) => world.importer.import(by, ImportedDocument.parse(document))

    /** How many rows there are of anything that an import writes. */
    async function rows(): Promise<unknown> {
      return world.database
        .sql`SELECT (SELECT count(*) FROM chats) AS chats, (SELECT count(*) FROM branches) AS branches,
        (SELECT count(*) FROM messages) AS messages, (SELECT count(*) FROM events) AS events,
        (SELECT count(*) FROM message_extensions) AS extensions`
    }

    async function refuses(document: object, place: Place): Promise<void> {
      const before = await rows()
      const issues = expect.arrayContaining([expect.objectContaining({ loc: ['body', ...place] })])
      await expect(imported(document)).rejects.toThrow(expect.objectContaining({ reason: 'invalid', issues }))
      expect(await rows()).toEqual(before)
    }

    test.each(TREES)('%s', async (_, change, place) => {
      const document = chatDocument({ messages: 3 })
      await refuses({ ...document, ...change(document) }, place)
    })

    test.each(MESSAGES)('%s', async (_, change, place) => {
      const document = chatDocument({ messages: 3 })
      const [first, ...others] = document.messages
      await refuses({ ...document, messages: [{ ...first, ...change }, ...others] }, ['messages', 0, ...place])
    })

    test('the faults that are told are few', async () => {
      const document = chatDocument({ messages: 1000 })
      const messages = document.messages.map((message) => ({ ...message, position: 7 }))
      const told = expect.objectContaining({ issues: expect.objectContaining({ length: 20 }) })
      await expect(imported({ ...document, messages })).rejects.toThrow(told)
      const none = messages.map(() => null)
      await expect(imported({ ...document, messages: none })).rejects.toThrow(told)
    })

    test('a fault of the database on the way leaves nothing', async () => {
      const before = await rows()
      const gone = { kind: 'account', accountId: Bun.randomUUIDv7(), role: 'user', loginId: null } as const
      await expect(imported(chatDocument({ messages: 3 }), gone)).rejects.toThrow(
        expect.objectContaining({ reason: 'token_invalid' }),
      )
      await world.database.sql`ALTER TABLE events ADD CONSTRAINT broken CHECK (seq < 1500)`
      try {
        await expect(imported(chatDocument({ messages: 3000 }))).rejects.toThrow()
      } finally {
        await world.database.sql`ALTER TABLE events DROP CONSTRAINT broken`
      }
      expect(await rows()).toEqual(before)
    })
  })
}
