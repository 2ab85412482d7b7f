import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { unwrap } from '../../client/src/errors.ts'
import type { Answerer } from '../../src/domain/ports.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'

setDefaultTimeout(60_000)

const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/)
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

/** Says what it was given; fails where it is told to. */
const echo: Answerer = {
  name: 'demo',
  async *answer({ history, message }) {
    if (message === 'fail') throw new Error('told to')
    yield { type: 'text', text: `${history.map(({ role, content }) => `${role}:${content}`).join('|')}>` }
    yield { type: 'text', text: message }
  },
}

for (const { kind, open } of testDatabases()) {
  describe(`the Branching API on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, { answerer: echo })
    })
    afterAll(() => people.close())

    const chats = (who: 'ada' | 'bob' = 'ada') => people[who].client.api.v1.chats
    const branches = (who: 'ada' | 'bob' = 'ada') => people[who].client.api.v1.branches
    const newChat = (name = 'Trip') => unwrap(chats()['create-chat'].post({ name }))
    const read = (chat_id: string) => unwrap(chats()['get-chat'].get({ query: { chat_id } }))
    const ask = (chat_id: string, question: string, headers: Record<string, string> = {}) =>
      people.ada.client.api.v1.messages['add-message'].post({ chat_id, question }, { headers })
    const branch = (chat_id: string, response_id: string, name?: string) =>
      unwrap(branches()['create-branch'].post({ chat_id, response_id, ...(name === undefined ? {} : { name }) }))

    test('a chat is made, read, changed and deleted', async () => {
      const made = await chats()['create-chat'].post({ name: 'Trip' })
      expect(made.status).toBe(201)
      const chat = {
        id: uuid,
        name: 'Trip',
        chat_type: 'personal',
        account_id: people.ada.user.id,
        created_at: time,
        updated_at: time,
        active: true,
      }
      expect<unknown>(made.data).toEqual(chat)
      const id = made.data?.id ?? ''
      expect<unknown>(await read(id)).toEqual({ chat: made.data, qa_pairs: [], active_branch_id: id })
      const query = { chat_id: id }
      expect(await unwrap(chats()['update-chat'].put({ name: 'Trip to Porto' }, { query }))).toMatchObject({
        id,
        name: 'Trip to Porto',
        active: true,
      })
      expect(await unwrap(chats()['update-chat'].put({ active: false }, { query }))).toMatchObject({ active: false })
      expect((await ask(id, 'still?')).error?.value.reason).toBe('chat_archived')
      expect(await unwrap(chats()['update-chat'].put({ active: true, name: null }, { query }))).toMatchObject({
        active: true,
        name: 'Trip to Porto',
      })
      const deleted = await chats()['delete-chat'].delete(undefined, { query })
      expect(deleted.status).toBe(204)
      for (const call of [chats()['delete-chat'].delete(undefined, { query }), chats()['get-chat'].get({ query })]) {
        const { error } = await call
        expect(error?.status).toBe(404)
        expect(error?.value).toMatchObject({ detail: 'Chat not found', reason: 'chat_missing' })
      }
    })

    test('a question is answered with the history before it', async () => {
      const { id } = await newChat()
      const first = await ask(id, 'one?')
      expect(first.status).toBe(201)
      expect<unknown>(first.data).toEqual({
        response_id: uuid,
        question: 'one?',
        response: '>one?',
        timestamp: time,
        branches: [],
        metadata: {},
      })
      const second = await unwrap(ask(id, 'two?'))
      expect(second.response).toBe('user:one?|assistant:>one?>two?')
      const { qa_pairs } = await read(id)
      expect(qa_pairs.map(({ question, response_id }) => [question, response_id])).toEqual([
        ['one?', first.data?.response_id ?? ''],
        ['two?', second.response_id],
      ])
    })

    test('a branch is a chat: it shows the history up to the fork, then its own', async () => {
      const { id } = await newChat('Lisbon')
      const one = await unwrap(ask(id, 'one?'))
      const two = await unwrap(ask(id, 'two?'))
      const made = await branches()['create-branch'].post({ chat_id: id, response_id: one.response_id })
      expect(made.status).toBe(200)
      const b = made.data ?? (await branch(id, one.response_id))
      expect<unknown>(b).toEqual({
        id: uuid,
        name: 'Branch of Lisbon',
        parent_chat_id: id,
        parent_response_id: one.response_id,
        created_at: time,
      })
      const inBranch = await unwrap(ask(b.id, 'else?'))
      expect(inBranch.response).toBe('user:one?|assistant:>one?>else?')
      const { chat, qa_pairs, active_branch_id } = await read(b.id)
      expect(chat).toMatchObject({ id: b.id, name: 'Branch of Lisbon', chat_type: 'branch', active: true })
      expect(qa_pairs.map(({ question, branches: starting }) => [question, starting])).toEqual([
        ['one?', [b.id]],
        ['else?', []],
      ])
      expect(active_branch_id).toBe(id)
      expect((await read(id)).qa_pairs.map(({ question }) => question)).toEqual(['one?', 'two?'])

      // A branch of the branch, at a response that it shares with its parent.
      const deep = await branch(b.id, one.response_id, 'Deep')
      expect(deep).toMatchObject({ name: 'Deep', parent_chat_id: b.id, parent_response_id: one.response_id })
      expect((await read(deep.id)).qa_pairs.map(({ question }) => question)).toEqual(['one?'])
      expect((await read(id)).qa_pairs[0]?.branches).toEqual([b.id, deep.id])
      const list = (chat_id: string) => unwrap(branches()['get-branches'].get({ query: { chat_id } }))
      expect(await list(id)).toEqual([b])
      expect(await list(b.id)).toEqual([deep])
      expect(await list(deep.id)).toEqual([])
      const tree = {
        root_id: id,
        tree: {
          id,
          name: 'Lisbon',
          parent_id: null,
          children: [
            {
              id: b.id,
              name: 'Branch of Lisbon',
              parent_id: id,
              children: [{ id: deep.id, name: 'Deep', parent_id: b.id, children: [] }],
            },
          ],
        },
      }
      for (const chat_id of [id, deep.id]) {
        expect(await unwrap(branches()['get-branch-tree'].get({ query: { chat_id } }))).toEqual(tree)
      }
      // The second response is in no branch's history.
      const elsewhere = await branches()['create-branch'].post({ chat_id: b.id, response_id: two.response_id })
      expect(elsewhere.error?.status).toBe(404)
      expect(elsewhere.error?.value).toMatchObject({ detail: 'Response not found', reason: 'response_missing' })
    })

    test('a branch is made active, again and by its own id; the chat’s id makes the root active', async () => {
      const { id } = await newChat()
      const { response_id } = await unwrap(ask(id, 'one?'))
      const b = await branch(id, response_id)
      const activate = (chat_id: string, branch_id: string) =>
        branches()['set-active-branch'].put(undefined, { query: { chat_id, branch_id } })
      for (const [chat_id, branch_id] of [
        [id, b.id],
        [id, b.id],
        [b.id, b.id],
      ] as const) {
        const answer = await activate(chat_id, branch_id)
        expect(answer.status).toBe(200)
        expect(answer.data).toEqual({ message: 'Branch activated successfully' })
        expect((await read(id)).active_branch_id).toBe(b.id)
      }
      // Which one is active does not move what is asked of a chat by its id.
      await unwrap(ask(id, 'in the root?'))
      expect((await read(b.id)).qa_pairs).toHaveLength(1)
      await activate(b.id, id)
      expect((await read(b.id)).active_branch_id).toBe(id)
      const other = await newChat()
      const { error } = await activate(id, other.id)
      expect(error?.value).toMatchObject({ detail: 'Branch not found for this chat', reason: 'branch_missing' })
      expect(error?.status).toBe(404)
    })

    test('a branch is renamed, shares the archive with its chat, and is not deleted by itself', async () => {
      const { id } = await newChat('A'.repeat(100))
      const { response_id } = await unwrap(ask(id, 'one?'))
      const b = await branch(id, response_id)
      expect(b.name).toBe(`Branch of ${'A'.repeat(100)}`)
      const query = { chat_id: b.id }
      expect(await unwrap(chats()['update-chat'].put({ name: 'By train', active: false }, { query }))).toMatchObject({
        name: 'By train',
        active: false,
      })
      expect((await read(id)).chat).toMatchObject({ active: false, name: 'A'.repeat(100) })
      expect(await unwrap(chats()['update-chat'].put({ name: 'By ship', active: true }, { query }))).toMatchObject({
        name: 'By ship',
        active: true,
      })
      const long = await chats()['update-chat'].put({ name: 'B'.repeat(101) }, { query: { chat_id: id } })
      expect(long.error?.status).toBe(422)
      const { error } = await chats()['delete-chat'].delete(undefined, { query })
      expect(error?.value.reason).toBe('branch_kept')
      expect((await read(b.id)).chat.name).toBe('By ship')
    })

    test('what was deleted is no pair, and its branches stay', async () => {
      const { id } = await newChat()
      const one = await unwrap(ask(id, 'one?'))
      const b = await branch(id, one.response_id)
      const { messages } = await unwrap(people.ada.client.api.chats({ chat_id: id }).get())
      const question = messages[0]?.id ?? ''
      await unwrap(people.ada.client.api.chats({ chat_id: id }).messages({ message_id: question }).delete())
      expect((await read(id)).qa_pairs).toEqual([])
      expect((await read(b.id)).qa_pairs).toEqual([])
    })

    test('somebody else’s chat is refused as documented, in every call', async () => {
      const { id } = await newChat()
      const { response_id } = await unwrap(ask(id, 'mine'))
      const b = await branch(id, response_id)
      const { events } = await unwrap(people.ada.client.api.chats({ chat_id: id }).events.get())
      for (const chat_id of [id, b.id]) {
        const query = { chat_id }
        const calls = [
          chats('bob')['get-chat'].get({ query }),
          chats('bob')['update-chat'].put({ name: 'Taken' }, { query }),
          chats('bob')['delete-chat'].delete(undefined, { query }),
          people.bob.client.api.v1.messages['add-message'].post({ chat_id, question: 'hers?' }),
          branches('bob')['create-branch'].post({ chat_id, response_id }),
          branches('bob')['get-branches'].get({ query }),
          branches('bob')['get-branch-tree'].get({ query }),
          branches('bob')['set-active-branch'].put(undefined, { query: { chat_id, branch_id: b.id } }),
        ]
        for (const { error } of await Promise.all<{ error: { status: number; value: unknown } | null }>(calls)) {
          expect(error?.status).toBe(403)
          expect(error?.value).toEqual({
            detail: 'Not authorized to access this chat',
            reason: 'chat_not_authorized',
          })
        }
      }
      expect((await unwrap(people.ada.client.api.chats({ chat_id: id }).events.get())).events).toEqual(events)
    })
  })
}
