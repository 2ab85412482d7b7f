import { expect, setDefaultTimeout, test } from 'bun:test'
import { BRANCHES_MAX } from '../../../src/domain/chats/branches.ts'
import { chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  test(`on ${kind}, a chat has a bounded number of branches, however they are made`, async () => {
    const world = await chatWorld(await open())
    try {
      const ada = await newActor(world.database)
      const chat = await world.chats.create(ada, { title: 'Tree' })
      const message = await world.messages.post(ada, chat.id, { content: 'hello' })
      for (const made of [1, 2]) {
        await world.branches.create(ada, chat.id, { messageId: message.id })
        expect(await world.branches.list(ada, chat.id)).toHaveLength(made + 1)
      }
      // As many but one as there may be; making them all one by one would take long.
      await world.database.sql`UPDATE chats SET branch_count = ${BRANCHES_MAX - 1} WHERE id = ${chat.id}`
      await world.branches.diverge(ada, chat.id, message.id, { content: 'goodbye' })
      const full = expect.objectContaining({ reason: 'too_many_branches' })
      await expect(world.branches.create(ada, chat.id, { messageId: message.id })).rejects.toThrow(full)
      await expect(world.branches.diverge(ada, chat.id, message.id, { content: 'no' })).rejects.toThrow(full)
      expect(await world.branches.list(ada, chat.id)).toHaveLength(4)
    } finally {
      await world.database.close()
    }
  })
}
