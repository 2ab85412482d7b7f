import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { unwrap } from '../../client/src/errors.ts'
import { applyEvent, NO_CHAT } from '../../src/contract/chat-state.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`native routes of chats on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const chat = (chat_id: string) => people.ada.client.api.chats({ chat_id })
    const newChat = async () => (await unwrap(people.ada.client.api.chats.post({ title: 'Talk' }))).id
    const say = (chat_id: string, content: string) => unwrap(chat(chat_id).messages.post({ content }))
    const message = (chat_id: string, message_id: string) => chat(chat_id).messages({ message_id })
    const history = (chat_id: string, branch_id: string, query = {}) =>
      unwrap(chat(chat_id).branches({ branch_id }).messages.get({ query }))

    test('a chat is changed, archived, deleted and restored', async () => {
      const id = await newChat()
      const { id: message_id } = await say(id, 'Hello')
      const changed = await unwrap(chat(id).patch({ title: 'Renamed', metadata: { color: 'red' } }))
      expect(changed).toMatchObject({ title: 'Renamed', metadata: { color: 'red' }, archived_at: null })
      expect(await unwrap(chat(id).patch({}))).toEqual(changed)
      expect((await unwrap(chat(id).patch({ archived: true }))).archived_at).toBeString()
      for (const refused of [chat(id).messages.post({ content: 'no' }), message(id, message_id).delete()]) {
        expect((await refused).error?.value.reason).toBe('chat_archived')
      }
      expect((await unwrap(chat(id).patch({ archived: false }))).archived_at).toBeNull()
      expect((await chat(id).delete()).status).toBe(204)
      for (const refused of [
        chat(id).get(),
        chat(id).patch({ title: 'x' }),
        chat(id).delete(),
        chat(id).events.get(),
      ]) {
        expect((await refused).error?.value.reason).toBe('chat_missing')
      }
      expect((await unwrap(chat(id).restore.post())).deleted_at).toBeNull()
      expect((await unwrap(chat(id).get())).messages.map(({ content }) => content)).toEqual(['Hello'])
    })

    test('a message is edited, which is kept, and deleted, which keeps its place', async () => {
      const id = await newChat()
      const { id: message_id } = await say(id, 'Helo')
      const edited = await unwrap(message(id, message_id).patch({ content: 'Hello' }))
      expect(edited.content).toBe('Hello')
      expect(edited.edited_at).toBeString()
      expect((await unwrap(message(id, message_id).edits.get())).map(({ content }) => content)).toEqual(['Helo'])
      const deleted = await unwrap(message(id, message_id).delete())
      expect(deleted).toMatchObject({ content: '', position: 1 })
      expect(await unwrap(message(id, message_id).delete())).toEqual(deleted)
      expect(await unwrap(message(id, message_id).get())).toEqual(deleted)
      expect(await unwrap(message(id, message_id).edits.get())).toEqual([])
      expect((await message(id, message_id).patch({ content: 'again' })).error?.value.reason).toBe('message_deleted')
    })

    test('reactions are words or single emoji', async () => {
      const id = await newChat()
      const { id: message_id } = await say(id, 'Hello')
      const reactions = message(id, message_id).reactions
      for (const reaction of ['like', '👍🏽', '❤', '❤️', '🏳️‍🌈', '🇵🇹', '1️⃣', 'dislike']) {
        await unwrap(reactions({ reaction }).put())
      }
      const taken = await unwrap(reactions({ reaction: '🇵🇹' }).delete())
      const kinds = taken.reactions.map(({ reaction_type }) => reaction_type)
      expect(kinds.toSorted()).toEqual(['👍🏽', '❤', '❤️', '🏳️‍🌈', '1️⃣', 'dislike'].toSorted())
      expect(await unwrap(reactions({ reaction: '🇵🇹' }).delete())).toEqual(taken)
      for (const reaction of ['love', '👍👍', '1', ' ', '\0', 'a'.repeat(100), '👨‍👩‍👧‍👦'.repeat(20)]) {
        expect((await reactions({ reaction }).put()).error?.status).toBe(422)
      }
    })

    test('the read cursor is the account’s own', async () => {
      const id = await newChat()
      await say(id, 'one')
      const two = await say(id, 'two')
      expect(await unwrap(chat(id)['read-cursor'].get())).toEqual({ branch_id: id, position: 0, updated_at: null })
      const moved = await unwrap(chat(id)['read-cursor'].put({ message_id: two.id }))
      expect<unknown>(moved).toEqual({ branch_id: id, position: 2, updated_at: expect.any(String) })
      expect(await unwrap(chat(id)['read-cursor'].get())).toEqual(moved)
    })

    test('branches are made at any message, named, listed and shown as a tree', async () => {
      const id = await newChat()
      const one = await say(id, 'one')
      await say(id, 'two')
      const made = await message(id, one.id).branches.post({ name: 'What if' })
      expect(made.status).toBe(201)
      const branch = await unwrap(message(id, one.id).branches.post({ parent_id: made.data?.id ?? id }))
      expect(branch).toMatchObject({
        name: null,
        parent_branch_id: made.data?.id ?? '',
        fork_branch_id: id,
        fork_position: 1,
      })
      const named = await unwrap(chat(id).branches({ branch_id: branch.id }).patch({ name: 'Deeper' }))
      expect(named).toEqual({ ...branch, name: 'Deeper' })
      expect(await unwrap(chat(id).branches({ branch_id: branch.id }).get())).toEqual(named)
      expect((await unwrap(chat(id).branches.get())).map(({ name }) => name)).toEqual([null, 'What if', 'Deeper'])
      const tree = await unwrap(chat(id).branches.tree.get())
      expect([tree.id, tree.children[0]?.name, tree.children[0]?.children[0]?.name]).toEqual([id, 'What if', 'Deeper'])
    })

    test('of two who switch the branch at once, one is told', async () => {
      const id = await newChat()
      const { id: message_id } = await say(id, 'one')
      const made = await Promise.all(Array.from({ length: 5 }, () => unwrap(message(id, message_id).branches.post({}))))
      const switched = await Promise.all(
        made.map(({ id: branch_id }) => chat(id)['active-branch'].put({ branch_id, expected: id })),
      )
      const reasons = switched.map(({ error }) => error?.value.reason)
      expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1)
      expect(reasons.filter((reason) => reason === 'branch_moved')).toHaveLength(4)
      const winner = switched.find(({ error }) => error === null)?.data?.active_branch_id
      expect((await unwrap(chat(id).get())).active_branch_id).toBe(winner ?? '')
    })

    test('a diverging edit keeps both, once for one key', async () => {
      const id = await newChat()
      const one = await say(id, 'one')
      const headers = { 'idempotency-key': crypto.randomUUID() }
      const diverge = () => unwrap(message(id, one.id).divergence.post({ content: 'other' }, { headers }))
      const first = await diverge()
      expect(await diverge()).toEqual(first)
      expect(first.message).toMatchObject({ content: 'other', position: 1, branch_id: first.branch.id })
      const siblings = await unwrap(message(id, one.id).siblings.get())
      expect(siblings.map(({ content }) => content)).toEqual(['one', 'other'])
      expect(await unwrap(message(id, first.message.id).siblings.get())).toEqual(siblings)
      expect((await unwrap(chat(id).get())).active_branch_id).toBe(first.branch.id)
    })

    test('history is read from any place, and every page leads to the ones beside it', async () => {
      const id = await newChat()
      for (let number = 1; number <= 7; number += 1) await say(id, `${number}`)
      const third = (await history(id, id, { after: 2, limit: 1 })).items[0]?.id ?? ''
      const branch = await unwrap(message(id, third).branches.post({}))
      await unwrap(chat(id).messages.post({ content: '4b', branch_id: branch.id }))
      const texts = async (query: object, branch_id = id) => {
        const { items, previous, next } = await history(id, branch_id, query)
        return [items.map(({ content }) => content).join(' '), previous, next]
      }
      expect(await texts({ limit: 3 })).toEqual(['5 6 7', 5, null])
      expect(await texts({ before: 5, limit: 3 })).toEqual(['2 3 4', 2, 4])
      expect(await texts({ before: 2, limit: 3 })).toEqual(['1', null, 1])
      expect(await texts({ after: 4, limit: 2 })).toEqual(['5 6', 5, 6])
      expect(await texts({ after: 6, limit: 2 })).toEqual(['7', 7, null])
      expect(await texts({ after: 7 })).toEqual(['', 8, null])
      expect(await texts({ around: 4, limit: 3 })).toEqual(['3 4 5', 3, 5])
      expect(await texts({ around: 1, limit: 1 })).toEqual(['1', null, 1])
      expect(await texts({}, branch.id)).toEqual(['1 2 3 4b', null, null])
      expect(await texts({ before: 4, limit: 2 }, branch.id)).toEqual(['2 3', 2, 3])
      expect(await texts({ after: 2_000_000_000, limit: 200 }, branch.id)).toEqual(['', 5, null])
      expect(await texts({ before: 2_000_000_000, limit: 1 })).toEqual(['7', 7, null])
    })

    test('the events rebuild the chat, in pages', async () => {
      const id = await newChat()
      const one = await say(id, 'one')
      await unwrap(message(id, one.id).patch({ content: 'uno' }))
      await unwrap(message(id, one.id).reactions({ reaction: '👍' }).put())
      await unwrap(message(id, one.id).divergence.post({ content: 'other' }))
      let state = NO_CHAT
      for (let last = Number.POSITIVE_INFINITY; (state.chat?.last_seq ?? 0) < last; ) {
        const page = await unwrap(chat(id).events.get({ query: { after: state.chat?.last_seq ?? 0, limit: 2 } }))
        expect(page.complete).toBe(true)
        last = page.last_seq
        state = page.events.reduce(applyEvent, state)
      }
      const { messages, ...read } = await unwrap(chat(id).get())
      expect(state.chat).toEqual(read)
      for (const shown of messages) expect(state.messages[shown.id]).toEqual(shown)
      expect(await unwrap(chat(id).events.get({ query: { after: 1000 } }))).toMatchObject({
        events: [],
        complete: false,
      })
    })
  })
}
