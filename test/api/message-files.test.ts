import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { openLive } from '../../client/src/live.ts'
import { Divergence } from '../../src/contract/branch-calls.ts'
import { EventPage } from '../../src/contract/chat-calls.ts'
import { applyEvent, NO_CHAT } from '../../src/contract/chat-state.ts'
import { Chat, Message } from '../../src/contract/chats.ts'
import { ChatDocument } from '../../src/contract/transfer.ts'
import { MemoryBlobs } from '../support/blobs.ts'
import { testDatabases } from '../support/database.ts'
import { upload } from '../support/files.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'
import type { Person } from '../support/person.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`messages with files on ${kind}`, () => {
    const blobs = new MemoryBlobs()
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, { blobs })
    })
    afterAll(() => people.close())

    const newChat = async (who: Person) => Chat.parse(await (await who.send('/api/chats', { title: 'Talk' })).json()).id
    const post = (who: Person, chat: string, body: object) => who.send(`/api/chats/${chat}/messages`, body)
    const posted = async (who: Person, chat: string, body: object) =>
      Message.parse(await (await post(who, chat, body)).json())
    const read = async (who: Person, chat: string, message: string) =>
      Message.parse(await (await who.call(`/api/chats/${chat}/messages/${message}`)).json())
    const replayed = async (who: Person, chat: string) => {
      const { events } = EventPage.parse(await (await who.call(`/api/chats/${chat}/events?after=0`)).json())
      return events.reduce(applyEvent, NO_CHAT)
    }

    test('a message has its files in order, in every read and by its events', async () => {
      const { ada } = people
      const chat = await newChat(ada)
      const [one, two] = [await upload(ada, 'one.txt', 'one'), await upload(ada, 'two.md', 'two')]
      const message = await posted(ada, chat, { content: 'See these', file_ids: [two.id, one.id] })
      expect(message.files).toEqual([
        { id: two.id, name: 'two.md', file_type: 'text' },
        { id: one.id, name: 'one.txt', file_type: 'text' },
      ])
      const plain = await posted(ada, chat, { content: 'and nothing here', file_ids: [] })
      expect(await read(ada, chat, message.id)).toEqual(message)
      const { messages } = await replayed(ada, chat)
      expect(Object.values(messages)).toEqual([message, plain])
    })

    test('a client_id posted again is the same message with the same files', async () => {
      const { ada } = people
      const chat = await newChat(ada)
      const { id } = await upload(ada, 'once.txt', 'once')
      const body = { content: 'once', file_ids: [id], client_id: crypto.randomUUID() }
      expect(await posted(ada, chat, body)).toEqual(await posted(ada, chat, body))
    })

    test('the live socket posts and asks again with them, and so does its client', async () => {
      const { ada, server } = people
      const chat = await newChat(ada)
      const [one, two] = [await upload(ada, 'one.txt', 'one'), await upload(ada, 'two.txt', 'two')]
      const live = openLive(server.url, { token: ada.access_token })
      try {
        const message = await live.post(chat, { content: 'See this', file_ids: [one.id] })
        expect(message.files.map(({ name }) => name)).toEqual(['one.txt'])
        expect((await live.resend(chat, message.id, { content: 'And this', file_ids: [two.id] })).files).toEqual([
          { id: two.id, name: 'two.txt', file_type: 'text' },
        ])
        const foreign = live.post(chat, { content: 'mine?', file_ids: [crypto.randomUUID()] })
        await expect(foreign).rejects.toThrow(expect.objectContaining({ reason: 'file_missing' }))
      } finally {
        live.close()
      }
    })

    test('what is said in the place of a message has its files, unless it names others or none', async () => {
      const { ada, bob } = people
      const chat = await newChat(ada)
      const [one, two] = [await upload(ada, 'one.txt', 'one'), await upload(ada, 'two.txt', 'two')]
      const message = await posted(ada, chat, { content: 'See these', file_ids: [two.id, one.id] })
      const instead = async (body: object) => {
        const answer = await ada.send(`/api/chats/${chat}/messages/${message.id}/divergence`, body)
        return Divergence.parse(await answer.json()).message
      }
      const kept = await instead({ content: 'Same files' })
      expect(kept.files).toEqual(message.files)
      expect((await instead({ content: 'One of them', file_ids: [one.id] })).files.map(({ id }) => id)).toEqual([
        one.id,
      ])
      expect((await instead({ content: 'None', file_ids: [] })).files).toEqual([])
      expect((await replayed(ada, chat)).messages[kept.id]).toEqual(kept)
      const { id: hers } = await upload(bob, 'bobs.txt', 'bob')
      const refused = await ada.send(`/api/chats/${chat}/messages/${message.id}/divergence`, {
        content: 'Not mine',
        file_ids: [hers],
      })
      expect(await refusalOf(refused)).toEqual({ status: 404, reason: 'file_missing' })
    })

    test('an export names them, and an import of it shows none', async () => {
      const { ada } = people
      const chat = await newChat(ada)
      const file = await upload(ada, 'a_b.txt', 'words')
      await posted(ada, chat, { content: 'See this', file_ids: [file.id] })
      const { id, name, file_type, mime_type, size, sha256 } = file
      const document = ChatDocument.parse(await (await ada.call(`/api/chats/${chat}/export`)).json())
      expect(document.messages[0]?.files).toEqual([{ id, name, file_type, mime_type, size, sha256 }])
      const markdown = await (await ada.call(`/api/chats/${chat}/export?format=markdown`)).text()
      expect(markdown).toContain('> See this\n\nFiles: a\\_b\\.txt\n')
      const imported = await ada.send('/api/chats/import', document)
      expect(imported.status).toBe(201)
      const { messages } = await replayed(ada, Chat.parse(await imported.json()).id)
      expect(Object.values(messages).map(({ content, files }) => [content, files])).toEqual([['See this', []]])
    })

    test('only files of one’s own are shown, and nothing is posted with others', async () => {
      const { ada, bob } = people
      const chat = await newChat(bob)
      const { id } = await upload(ada, 'hers.txt', 'hers')
      for (const file_ids of [[id], [crypto.randomUUID()]]) {
        expect(await refusalOf(await post(bob, chat, { content: 'mine?', file_ids }))).toEqual({
          status: 404,
          reason: 'file_missing',
        })
      }
      expect(await refusalOf(await post(bob, chat, { content: 'twice', file_ids: [id, id] }))).toMatchObject({
        status: 422,
      })
      expect(Object.values((await replayed(bob, chat)).messages)).toEqual([])
    })

    test('who may read the chat may read its files, for as long as the message is there', async () => {
      const { ada, bob, server } = people
      await server.accounts.amend({ kind: 'service' }, bob.user.id, { role: 'admin' })
      const chat = await newChat(ada)
      const file = await upload(bob, 'reply.txt', 'from the desk')
      const admin = { kind: 'account', accountId: bob.user.id, role: 'admin', loginId: null } as const
      const reply = { content: 'Here', senderType: 'agent', senderId: bob.user.id, file_ids: [file.id] } as const
      const { id } = await server.chats.messages.append(admin, chat, reply)
      expect(await (await ada.call(`/api/files/${file.id}/download`)).text()).toBe('from the desk')
      expect((await ada.call(`/api/files/${file.id}`, { method: 'DELETE' })).status).toBe(404)
      await server.chats.messages.remove(admin, chat, id)
      expect((await ada.call(`/api/files/${file.id}/download`)).status).toBe(404)
    })

    test('a deleted file stays for its messages; the last of them takes the bytes along', async () => {
      const { ada } = people
      const [one, two] = [await newChat(ada), await newChat(ada)]
      const { id } = await upload(ada, 'shared.txt', 'shared')
      const first = await posted(ada, one, { content: 'here', file_ids: [id] })
      const second = await posted(ada, two, { content: 'and here', file_ids: [id] })
      expect((await ada.call(`/api/files/${id}`, { method: 'DELETE' })).status).toBe(204)
      expect((await post(ada, one, { content: 'again', file_ids: [id] })).status).toBe(404)
      await ada.call(`/api/chats/${one}/messages/${first.id}`, { method: 'DELETE' })
      expect((await read(ada, one, first.id)).files).toEqual([])
      expect(JSON.stringify(await replayed(ada, one))).not.toContain('shared.txt')
      expect(await (await ada.call(`/api/files/${id}/download`)).text()).toBe('shared')
      await ada.call(`/api/chats/${two}/messages/${second.id}`, { method: 'DELETE' })
      await people.server.files.removal.run()
      expect((await ada.call(`/api/files/${id}`)).status).toBe(404)
      expect(blobs.blobs.has(id)).toBe(false)
    })
  })
}
