import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { MemoryBus } from '../../../src/adapters/memory/bus.ts'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import { ChatAccess } from '../../../src/domain/chats/access.ts'
import { ChatStore } from '../../../src/domain/chats/chat-store.ts'
import { Refusal } from '../../../src/domain/refusal.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'
import { SwitchBus } from '../accounts/switch-bus.ts'
import { anotherInstance, reasonOf } from './appending.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`who may open a chat, on ${kind}`, () => {
    const bus = new MemoryBus()
    let world: ChatWorld
    let other: ChatWorld & { close(): Promise<void> }
    let ada: Actor
    beforeAll(async () => {
      const database = await open()
      world = await chatWorld(database, bus)
      other = await anotherInstance(database, bus)
      ada = await newActor(database)
    })
    afterAll(async () => {
      await other.close()
      await world.database.close()
    })

    const newChat = async (actor = ada) => (await world.chats.create(actor, { title: 'Talk' })).id
    const mayRead = (instance: ChatWorld, chatId: string, actor = ada) =>
      reasonOf(instance.messages.page(actor, chatId, chatId, { from: 'end', limit: 1 }))

    test('its owner, admins and the service key; to others it is not there', async () => {
      const id = await newChat()
      const admin = await newActor(world.database, 'admin')
      const [agent, stranger] = [await newActor(world.database, 'agent'), await newActor(world.database)]
      const actors: Actor[] = [ada, admin, { kind: 'service' }, agent, stranger]
      const first = await Promise.all(actors.map((actor) => mayRead(world, id, actor)))
      expect(first).toEqual(['done', 'done', 'done', 'chat_missing', 'chat_missing'])
      expect(await Promise.all(actors.map((actor) => mayRead(world, id, actor)))).toEqual(first)
      expect(await mayRead(world, Bun.randomUUIDv7(), admin)).toBe('chat_missing')
      const fault = await world.access.open(stranger, id).catch((thrown) => thrown)
      expect(fault instanceof Refusal && fault.hides).toBe('forbidden')
    })

    test('a chat that nobody owns is for admins and the service key', async () => {
      const id = await newChat({ kind: 'service' })
      expect(await mayRead(world, id)).toBe('chat_missing')
      expect(await mayRead(world, id, { kind: 'service' })).toBe('done')
    })

    test('a chat that one instance deletes is gone on the other at once, and there again when it is restored', async () => {
      const id = await newChat()
      expect(await mayRead(other, id)).toBe('done')
      await world.chats.remove(ada, id)
      expect(await mayRead(other, id)).toBe('chat_missing')
      expect(await mayRead(world, id)).toBe('chat_missing')
      await world.chats.restore(ada, id)
      expect(await mayRead(other, id)).toBe('done')
    })

    test('what was deleted while the bus was away is gone once it is back', async () => {
      const line = new SwitchBus()
      const instance = await chatWorld(world.database, line)
      const id = await newChat()
      expect(await mayRead(instance, id)).toBe('done')
      await world.chats.remove(ada, id)
      line.cut = true
      expect(await mayRead(instance, id)).toBe('chat_missing')
    })

    test.each(['deleted', 'lost'] as const)(
      'an answer of the database that is older than what was heard meanwhile is not kept: %s',
      async (heard) => {
        const line = new SwitchBus()
        const store = new SlowStore(world.database)
        const access = new ChatAccess(store, line)
        await access.start()
        const id = await newChat()
        store.afterDoors = async () => {
          await world.chats.remove(ada, id)
          if (heard === 'lost') line.cut = true
          else access.changed(id)
        }
        await access.open(ada, id)
        expect(await reasonOf(access.open(ada, id))).toBe('chat_missing')
      },
    )
  })
}

/** A store that lets something happen between what it reads of who may open a chat and its answer, once. */
class SlowStore extends ChatStore {
  afterDoors: (() => Promise<void>) | undefined

  override async doors(chatId: string): ReturnType<ChatStore['doors']> {
    const doors = await super.doors(chatId)
    const meanwhile = this.afterDoors
    this.afterDoors = undefined
    await meanwhile?.()
    return doors
  }
}
