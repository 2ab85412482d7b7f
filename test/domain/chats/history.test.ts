import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Message } from '../../../src/contract/chats.ts'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import type { Page } from '../../../src/domain/chats/history.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'
import { reasonOf } from './appending.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`history on ${kind}`, () => {
    let world: ChatWorld
    let ada: Actor
    beforeAll(async () => {
      const database = await open()
      world = await chatWorld(database)
      ada = await newActor(database)
    })
    afterAll(() => world.database.close())

    const newChat = async () => (await world.chats.create(ada, { title: 'Talk' })).id
    const say = (chatId: string, content: string, branch_id = chatId) =>
      world.messages.post(ada, chatId, { content, branch_id })
    const page = async (chatId: string, which: Page, branchId = chatId) =>
      (await world.messages.page(ada, chatId, branchId, which)).map(({ content }) => content).join(' ')
    const told = (messages: readonly Message[]) => messages.map(({ content }) => content)

    /** A chat that says `1 2 3 4 5`, and a branch that says `6 7` after the first three. */
    async function forked() {
      const chatId = await newChat()
      const messages: Message[] = []
      for (const word of ['1', '2', '3', '4', '5']) messages.push(await say(chatId, word))
      const branch = await world.branches.create(ada, chatId, { messageId: messages[2]?.id ?? '' })
      for (const word of ['6', '7']) messages.push(await say(chatId, word, branch.id))
      return { chatId, branchId: branch.id, ids: messages.map(({ id }) => id) }
    }

    test('is read in pages of one, across where the branch forks, from both ends', async () => {
      const { chatId, branchId } = await forked()
      const read = (which: Page) => page(chatId, which, branchId)
      expect(await read({ from: 'end', limit: 1 })).toBe('7')
      const before = [1, 2, 3, 4, 5, 6].map((position) => read({ from: 'before', position, limit: 1 }))
      expect(await Promise.all(before)).toEqual(['', '1', '2', '3', '6', '7'])
      const after = [0, 1, 2, 3, 4, 5].map((position) => read({ from: 'after', position, limit: 1 }))
      expect(await Promise.all(after)).toEqual(['1', '2', '3', '6', '7', ''])
      const around = [0, 1, 3, 4, 6].map((position) => read({ from: 'around', position, limit: 1 }))
      expect(await Promise.all(around)).toEqual(['1', '1', '3', '6', ''])
    })

    test('is read past its ends: what is there, and nothing else', async () => {
      const { chatId, branchId } = await forked()
      const read = (which: Page) => page(chatId, which, branchId)
      expect(await read({ from: 'end', limit: 100 })).toBe('1 2 3 6 7')
      expect(await read({ from: 'before', position: 100, limit: 3 })).toBe('3 6 7')
      expect(await read({ from: 'before', position: 0, limit: 3 })).toBe('')
      expect(await read({ from: 'after', position: 3, limit: 100 })).toBe('6 7')
      expect(await read({ from: 'around', position: 1, limit: 4 })).toBe('1 2 3 6')
      expect(await read({ from: 'around', position: 5, limit: 4 })).toBe('3 6 7')
      expect(await read({ from: 'around', position: 4, limit: 3 })).toBe('3 6 7')
    })

    test('is read at a position that no database integer can hold', async () => {
      const { chatId, branchId } = await forked()
      for (const position of [2_147_483_647, 2_147_483_648, Number.MAX_SAFE_INTEGER]) {
        for (const branch of [chatId, branchId]) {
          expect(await page(chatId, { from: 'after', position, limit: 2 }, branch)).toBe('')
          expect(await page(chatId, { from: 'around', position, limit: 2 }, branch)).toBe('')
        }
        expect(await page(chatId, { from: 'before', position, limit: 2 }, branchId)).toBe('6 7')
      }
    })

    test('of an empty chat, and of a branch with nothing of its own yet', async () => {
      const chatId = await newChat()
      for (const which of ['before', 'after', 'around'] as const) {
        expect(await page(chatId, { from: which, position: 1, limit: 5 })).toBe('')
      }
      const { id } = await say(chatId, '1')
      const branch = await world.branches.create(ada, chatId, { messageId: id })
      expect(await page(chatId, { from: 'end', limit: 5 }, branch.id)).toBe('1')
      await say(chatId, '2')
      expect(await page(chatId, { from: 'end', limit: 5 }, branch.id)).toBe('1')
    })

    test('of another chat is not there', async () => {
      const { chatId, branchId } = await forked()
      const elsewhere = await newChat()
      const which = { from: 'end', limit: 1 } as const
      expect(await reasonOf(world.messages.page(ada, elsewhere, branchId, which))).toBe('branch_missing')
      expect(await reasonOf(world.messages.page(ada, chatId, Bun.randomUUIDv7(), which))).toBe('branch_missing')
      const stranger = await newActor(world.database)
      expect(await reasonOf(world.messages.page(stranger, chatId, branchId, which))).toBe('chat_missing')
    })

    test('goes down 100 forks, each from the branch before it', async () => {
      const chatId = await newChat()
      let { id: messageId } = await say(chatId, '1')
      let parentId = chatId
      for (let depth = 2; depth <= 101; depth += 1) {
        const branch = await world.branches.create(ada, chatId, { messageId, parentId })
        parentId = branch.id
        // Besides the line of this test, each of its branches goes on.
        messageId = (await say(chatId, `${depth}`, branch.id)).id
        await say(chatId, 'aside', branch.id)
      }
      const branches = await world.branches.list(ada, chatId)
      expect(branches).toHaveLength(101)
      // Another instance, which knows no branch yet.
      const { messages } = await chatWorld(world.database, world.bus)
      const read = await messages.page(ada, chatId, parentId, { from: 'end', limit: 200 })
      expect(told(read)).toEqual([...Array.from({ length: 101 }, (_, index) => `${index + 1}`), 'aside'])
      expect(read.map(({ position }) => position)).toEqual(Array.from({ length: 102 }, (_, index) => index + 1))
      expect(await page(chatId, { from: 'around', position: 50, limit: 3 }, parentId)).toBe('49 50 51')
      expect(await page(chatId, { from: 'before', position: 2, limit: 3 }, parentId)).toBe('1')
      let node = await world.branches.tree(ada, chatId)
      let depth = 0
      for (; node.children[0] !== undefined; depth += 1) node = node.children[0]
      expect(depth).toBe(100)
    })

    test('a branch at an inherited message hangs on the branch that it was seen in', async () => {
      const { chatId, branchId, ids } = await forked()
      const [first = '', , , , fifth = ''] = ids
      const made = await world.branches.create(ada, chatId, { messageId: first, parentId: branchId, name: 'Early' })
      expect(made).toMatchObject({
        parent_branch_id: branchId,
        fork_branch_id: chatId,
        fork_position: 1,
        name: 'Early',
      })
      expect(await page(chatId, { from: 'end', limit: 9 }, made.id)).toBe('1')
      const create = world.branches.create(ada, chatId, { messageId: fifth, parentId: branchId })
      expect(await reasonOf(create)).toBe('branch_missing')
      const foreign = world.branches.create(ada, chatId, { messageId: first, parentId: await newChat() })
      expect(await reasonOf(foreign)).toBe('branch_missing')
    })

    test('diverging at the first message makes a branch that shares nothing', async () => {
      const { chatId, ids } = await forked()
      const { branch, message } = await world.branches.diverge(ada, chatId, ids[0] ?? '', { content: 'one' })
      expect(branch).toMatchObject({ parent_branch_id: chatId, fork_branch_id: chatId, fork_position: 0 })
      expect(message).toMatchObject({ position: 1, branch_id: branch.id })
      expect((await world.chats.get(ada, chatId)).active_branch_id).toBe(branch.id)
      await world.messages.post(ada, chatId, { content: 'two' })
      expect(await page(chatId, { from: 'end', limit: 9 }, branch.id)).toBe('one two')
      const again = await world.branches.diverge(ada, chatId, message.id, { content: 'uno' })
      for (const id of [ids[0] ?? '', message.id, again.message.id]) {
        expect(told(await world.branches.siblings(ada, chatId, id))).toEqual(['1', 'one', 'uno'])
      }
      expect(await page(chatId, { from: 'end', limit: 9 })).toBe('1 2 3 4 5')
    })

    test('siblings are what stands in the same place after the same message, from every branch', async () => {
      const { chatId, branchId, ids } = await forked()
      const fourth = await world.branches.siblings(ada, chatId, ids[3] ?? '')
      expect(told(fourth)).toEqual(['4', '6'])
      expect(await world.branches.siblings(ada, chatId, ids[5] ?? '')).toEqual(fourth)
      await world.branches.diverge(ada, chatId, ids[5] ?? '', { content: 'six' })
      expect(told(await world.branches.siblings(ada, chatId, ids[3] ?? ''))).toEqual(['4', '6', 'six'])
      expect(told(await world.branches.siblings(ada, chatId, ids[6] ?? ''))).toEqual(['7'])
      await world.messages.remove(ada, chatId, ids[3] ?? '')
      expect(told(await world.branches.siblings(ada, chatId, ids[5] ?? ''))).toEqual(['', '6', 'six'])
      expect(await page(chatId, { from: 'end', limit: 9 }, branchId)).toBe('1 2 3 6 7')
    })

    test('diverging again with the same client_id is the same branch and message, at the same place alone', async () => {
      const { chatId, ids } = await forked()
      const [first = '', second = ''] = ids
      const client_id = crypto.randomUUID()
      const diverge = (messageId: string, content: string) =>
        world.branches.diverge(ada, chatId, messageId, { content, client_id })
      const made = await Promise.all(Array.from({ length: 5 }, () => diverge(second, 'two')))
      expect(new Set(made.map(({ branch, message }) => `${branch.id} ${message.id}`)).size).toBe(1)
      expect(await reasonOf(diverge(second, 'deux'))).toBe('client_id_reused')
      expect(await reasonOf(diverge(first, 'two'))).toBe('client_id_reused')
      await world.messages.edit(ada, chatId, made[0]?.message.id ?? '', 'deux')
      expect((await diverge(second, 'two')).message.content).toBe('deux')
      const posted = crypto.randomUUID()
      await world.messages.post(ada, chatId, { content: 'plain', client_id: posted, branch_id: chatId })
      const asPosted = world.branches.diverge(ada, chatId, first, { content: 'plain', client_id: posted })
      expect(await reasonOf(asPosted)).toBe('client_id_reused')
      expect(await world.branches.list(ada, chatId)).toHaveLength(3)
    })

    test('no branch begins at a deleted message, and none is made of it', async () => {
      const { chatId, ids } = await forked()
      const [first = ''] = ids
      await world.messages.remove(ada, chatId, first)
      expect(await reasonOf(world.branches.create(ada, chatId, { messageId: first }))).toBe('message_deleted')
      expect(await reasonOf(world.branches.diverge(ada, chatId, first, { content: 'x' }))).toBe('message_deleted')
      expect(await world.branches.list(ada, chatId)).toHaveLength(2)
    })

    test('of switches that expect the same active branch at once, one wins', async () => {
      const { chatId, branchId, ids } = await forked()
      const { id: other } = await world.branches.create(ada, chatId, { messageId: ids[0] ?? '' })
      const switches = [branchId, other, branchId, other].map((id) =>
        reasonOf(world.branches.activate(ada, chatId, id, chatId)),
      )
      const outcomes = await Promise.all(switches)
      expect(outcomes.toSorted()).toEqual(['branch_moved', 'branch_moved', 'branch_moved', 'done'])
      const won = [branchId, other][outcomes.indexOf('done') % 2]
      expect((await world.chats.get(ada, chatId)).active_branch_id).toBe(won ?? '')
    })
  })
}
