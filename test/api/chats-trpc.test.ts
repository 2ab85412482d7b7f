import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client'
import type { Router } from '../../client/src/trpc.ts'
import { applyEvent, NO_CHAT } from '../../src/contract/chat-state.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`chats as procedures on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const client = (who: 'ada' | 'bob' = 'ada') =>
      createTRPCClient<Router>({
        links: [httpBatchLink({ url: `${people.server.url}/trpc`, headers: people[who].headers })],
      })
    const reasonOf = (call: Promise<unknown>) =>
      call.then(
        () => undefined,
        // What these calls throw, with the types of this router.
        (error: unknown) =>
          error instanceof TRPCClientError ? (error as TRPCClientError<Router>).data?.reason : error,
      )

    test('a chat lives through its whole life', async () => {
      const { chats, messages, branches } = client()
      const { id: chat_id } = await chats.create.mutate({ title: 'Talk' })
      const one = await messages.post.mutate({ chat_id, content: 'one' })
      await messages.post.mutate({ chat_id, content: 'two' })
      const message_id = one.id
      expect((await messages.edit.mutate({ chat_id, message_id, content: 'uno' })).content).toBe('uno')
      expect(await messages.edits.query({ chat_id, message_id })).toMatchObject([{ content: 'one' }])
      const liked = await messages.react.mutate({ chat_id, message_id, reaction: '👍' })
      expect(liked.reactions.map(({ reaction_type }) => reaction_type)).toEqual(['👍'])
      expect((await messages.unreact.mutate({ chat_id, message_id, reaction: '👍' })).reactions).toEqual([])
      expect((await chats.moveReadCursor.mutate({ chat_id, message_id })).position).toBe(1)
      expect((await chats.readCursor.query({ chat_id })).position).toBe(1)

      const branch = await branches.create.mutate({ chat_id, message_id, name: 'What if' })
      const branch_id = branch.id
      expect((await branches.activate.mutate({ chat_id, branch_id, expected: chat_id })).active_branch_id).toBe(
        branch_id,
      )
      expect(await reasonOf(branches.activate.mutate({ chat_id, branch_id, expected: chat_id }))).toBe('branch_moved')
      await messages.post.mutate({ chat_id, content: 'in the branch' })
      const page = await messages.history.query({ chat_id, branch_id, before: 3, limit: 1 })
      expect([page.items[0]?.content, page.previous, page.next]).toEqual(['in the branch', 2, null])
      const other = await branches.diverge.mutate({ chat_id, message_id, content: 'eins' })
      expect((await branches.siblings.query({ chat_id, message_id })).map(({ content }) => content)).toEqual([
        'uno',
        'eins',
      ])
      expect(await branches.rename.mutate({ chat_id, branch_id, name: null })).toEqual({ ...branch, name: null })
      expect(await branches.get.query({ chat_id, branch_id: other.branch.id })).toEqual(other.branch)
      expect(await branches.list.query({ chat_id })).toHaveLength(3)
      expect((await branches.tree.query({ chat_id })).children.map(({ id }) => id)).toEqual([
        branch_id,
        other.branch.id,
      ])
      expect((await messages.remove.mutate({ chat_id, message_id })).content).toBe('')

      const { events, last_seq } = await chats.events.query({ chat_id, after: 0, limit: 1000 })
      const { messages: shown, ...chat } = await chats.get.query({ chat_id })
      expect(events.reduce(applyEvent, NO_CHAT).chat).toEqual(chat)
      expect(last_seq).toBe(chat.last_seq)
      expect(shown.map(({ content }) => content)).toEqual(['eins'])
      expect((await chats.update.mutate({ chat_id, title: 'Renamed', archived: true })).title).toBe('Renamed')
      expect((await chats.list.query({ archived: true })).items.map(({ id }) => id)).toEqual([chat_id])
      await chats.remove.mutate({ chat_id })
      expect(await reasonOf(chats.get.query({ chat_id }))).toBe('chat_missing')
      expect((await chats.restore.mutate({ chat_id })).archived_at).toBeString()
    })

    test('somebody else’s chat is not there', async () => {
      const { id: chat_id } = await client().chats.create.mutate({ title: 'Mine' })
      const { chats, messages, branches } = client('bob')
      const calls = [
        chats.get.query({ chat_id }),
        chats.update.mutate({ chat_id, title: 'Hers' }),
        messages.post.mutate({ chat_id, content: 'hers' }),
        branches.tree.query({ chat_id }),
      ]
      expect(await Promise.all(calls.map(reasonOf))).toEqual(calls.map(() => 'chat_missing'))
    })

    test('what is not valid says where', async () => {
      const { chats, messages } = client()
      expect(await reasonOf(chats.create.mutate({ title: '' }))).toBe('invalid')
      const ids = { chat_id: crypto.randomUUID(), branch_id: crypto.randomUUID() }
      expect(await reasonOf(messages.history.query({ ...ids, before: 1, after: 1 }))).toBe('invalid')
    })
  })
}
