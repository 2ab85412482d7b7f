import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Message } from '../../../src/contract/chats.ts'
import type { ChatSnapshot } from '../../../src/contract/live.ts'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import { SnapshotStore } from '../../../src/domain/chats/snapshot-store.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`a snapshot on ${kind}`, () => {
    let world: ChatWorld
    let ada: Actor
    beforeAll(async () => {
      const database = await open()
      world = await chatWorld(database)
      ada = await newActor(database)
    })
    afterAll(() => world.database.close())

    const newChat = async () => (await world.chats.create(ada, { title: 'Talk', metadata: { n: [1.5, 'é', null] } })).id
    const say = (chatId: string, content: string) => world.messages.post(ada, chatId, { content })
    async function saying(chatId: string, ...words: string[]) {
      const messages: Message[] = []
      for (const word of words) messages.push(await say(chatId, word))
      return messages
    }
    const snapshot = async (chatId: string, { messages = 4, branches = 3, readCursors = 2 } = {}) => {
      const read = await new SnapshotStore(world.database).read(chatId, { messages, branches, readCursors })
      if (read === undefined) throw new Error(`there is no chat ${chatId}`)
      return read
    }
    /** What it says is what all the other readers are told, read one after the other. */
    async function expectTrue(chatId: string, { chat, branches, messages }: ChatSnapshot, limit = 4) {
      expect(chat).toEqual(await world.chats.get(ada, chatId))
      const known = await world.branches.list(ada, chatId)
      expect(branches).toEqual(known.filter(({ id }) => branches.some((branch) => branch.id === id)))
      const page = await world.messages.page(ada, chatId, chat.active_branch_id, { from: 'end', limit })
      expect(messages).toEqual(page)
    }

    test('is of an empty chat, and of none', async () => {
      const chatId = await newChat()
      const read = await snapshot(chatId)
      await expectTrue(chatId, read)
      expect(read).toMatchObject({ messages: [], branches: [{ id: chatId }], read_cursors: {} })
      const limits = { messages: 4, branches: 3, readCursors: 2 }
      expect(await new SnapshotStore(world.database).read(Bun.randomUUIDv7(), limits)).toBeUndefined()
    })

    test('has the newest messages, with what was edited, and nothing of what was deleted', async () => {
      const chatId = await newChat()
      const [, two, three, four] = await saying(chatId, '1', '2', '3', '4', '5')
      await world.messages.edit(ada, chatId, three?.id ?? '', 'three')
      await world.messages.react(ada, chatId, four?.id ?? '', 'like')
      await world.messages.remove(ada, chatId, four?.id ?? '')
      await world.messages.moveReadCursor(ada, chatId, two?.id ?? '')
      const read = await snapshot(chatId)
      await expectTrue(chatId, read)
      expect(read.messages.map(({ content }) => content)).toEqual(['2', 'three', '', '5'])
      expect(Object.values(read.read_cursors)).toMatchObject([{ branch_id: chatId, position: 2 }])
    })

    test('has what hangs on its messages', async () => {
      const chatId = await newChat()
      const [one] = await saying(chatId, '1', '2')
      await world.messages.react(ada, chatId, one?.id ?? '', 'like')
      const read = await snapshot(chatId)
      await expectTrue(chatId, read)
      expect(read.messages[0]?.reactions).toMatchObject([{ reaction_type: 'like' }])
    })

    test('goes back to before where the active branch forks', async () => {
      const chatId = await newChat()
      const [, , three] = await saying(chatId, '1', '2', '3', '4')
      const branch = await world.branches.create(ada, chatId, { messageId: three?.id ?? '' })
      await world.branches.activate(ada, chatId, branch.id)
      for (const [word, expected] of [
        ['5', ['1', '2', '3', '5']],
        ['6', ['2', '3', '5', '6']],
      ] as const) {
        await say(chatId, word)
        const read = await snapshot(chatId)
        await expectTrue(chatId, read)
        expect(read.messages.map(({ content }) => content)).toEqual([...expected])
      }
    })

    test('has the newest branches, and the active one however old it is', async () => {
      const chatId = await newChat()
      const [one] = await saying(chatId, '1')
      const made: string[] = []
      for (let count = 0; count < 4; count += 1) {
        made.push((await world.branches.create(ada, chatId, { messageId: one?.id ?? '' })).id)
      }
      await world.branches.activate(ada, chatId, chatId)
      const read = await snapshot(chatId)
      await expectTrue(chatId, read)
      expect(read.branches.map(({ id }) => id)).toEqual([chatId, ...made.slice(1)])
    })
  })
}
