import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { ChatDocument, ImportedDocument } from '../../../src/contract/transfer.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'
import { chatDocument, documents, inOwnWords } from '../../support/documents.ts'
import type { Actors } from './model/calls.ts'
import { ChatModel } from './model/chat-model.ts'
import { expectFreshReadEquals } from './model/fresh-read.ts'

setDefaultTimeout(300_000)

for (const { kind, open } of testDatabases()) {
  describe(`export and import on ${kind}`, () => {
    let world: ChatWorld
    let actors: Actors
    beforeAll(async () => {
      world = await chatWorld(await open())
      const { database } = world
      const [owner, stranger, admin] = [
        await newActor(database),
        await newActor(database),
        await newActor(database, 'admin'),
      ]
      actors = { owner, stranger, admin, service: { kind: 'service' } }
    })
    afterAll(() => world.database.close())

    async function exported(chatId: string, by = actors.admin): Promise<ChatDocument> {
      return ChatDocument.parse(JSON.parse(await textOf(await world.exporter.json(by, chatId))))
    }

    async function markdown(chatId: string, branchId?: string): Promise<string> {
      return textOf((await world.exporter.markdown(actors.admin, chatId, branchId)).parts)
    }

    const imported = (document: unknown, by = actors.admin) =>
      world.importer.import(by, ImportedDocument.parse(document))

    test('a document imported and exported again is the same, but for ids and the time of the export', async () => {
      await fc.assert(
        fc.asyncProperty(documents, async (document) => {
          const chat = await imported(document, actors.service)
          expect(inOwnWords(await exported(chat.id))).toEqual(
            inOwnWords({ ...document, chat: { ...document.chat, user_id: null } }),
          )
        }),
        { numRuns: 60 },
      )
    })

    test('the events of an imported chat make what a fresh read gives', async () => {
      await fc.assert(
        fc.asyncProperty(documents, async (document) => {
          const { title, id, last_seq } = await imported(document)
          const { events, complete } = await world.log.read(id, 0, 10_000)
          expect([title, complete, events.length]).toEqual([document.chat.title, true, last_seq])
          const model = new ChatModel()
          for (const event of events) model.apply(event)
          await expectFreshReadEquals(world, { ...actors, owner: actors.admin }, model, [3])
        }),
        { numRuns: 40 },
      )
    })

    test('what was said, edited, deleted, branched and liked in a real chat survives', async () => {
      const { owner } = actors
      const chat = await world.chats.create(owner, { title: 'Real', metadata: { topic: 'travel' } })
      const say = (content: string) => world.messages.post(owner, chat.id, { content })
      const [one, two, three] = [await say('one'), await say('two'), await say('three')]
      await world.messages.edit(owner, chat.id, one.id, 'one, better')
      await world.messages.edit(owner, chat.id, one.id, 'one, best')
      await world.messages.react(owner, chat.id, two.id, 'like')
      await world.messages.react(owner, chat.id, two.id, '🎉')
      await world.branches.diverge(owner, chat.id, two.id, { content: 'two, otherwise' })
      await world.branches.create(owner, chat.id, { messageId: three.id, name: 'Empty' })
      await world.messages.remove(owner, chat.id, three.id)
      await world.messages.moveReadCursor(owner, chat.id, two.id)
      const document = await exported(chat.id, owner)
      const copy = await imported(document, owner)
      expect(copy.title).toBe('Real')
      expect(inOwnWords(await exported(copy.id, owner))).toEqual(inOwnWords(document))
      expect(document.messages.map(({ content }) => content)).toEqual(['one, best', 'two', '', 'two, otherwise'])
      const [first] = await world.messages.page(owner, copy.id, copy.id, { from: 'end', limit: 10 })
      const edits = await world.messages.edits(owner, copy.id, first?.id ?? '')
      expect(edits.map(({ content }) => content)).toEqual(['one', 'one, better'])
      // It is a chat like any other.
      expect((await world.messages.post(owner, copy.id, { content: 'on' })).position).toBe(3)
      expect(await world.messages.readCursor(owner, copy.id)).toBeUndefined()
    })

    test('many messages are exported in pages, and none that is posted meanwhile', async () => {
      const document = chatDocument({ messages: 1000 })
      const { id } = await imported(document)
      const parts = await world.exporter.json(actors.admin, id)
      let text = (await parts.next()).value ?? ''
      await world.messages.post(actors.admin, id, { content: 'meanwhile' })
      for await (const part of parts) {
        text += part
        expect(part.length).toBeLessThan(100_000)
      }
      expect(ChatDocument.parse(JSON.parse(text)).messages).toHaveLength(1000)
    })

    test("who is not privileged speaks for nobody else; the document's owner is the importer", async () => {
      const [author, other] = [crypto.randomUUID(), crypto.randomUUID()]
      const document = chatDocument({ messages: 3 })
      document.chat.user_id = author
      const [mine, theirs, liked] = document.messages
      if (!(mine && theirs && liked)) throw new Error('The document has three messages.')
      const time = document.exported_at
      mine.sender_id = author
      theirs.sender_id = other
      liked.edited_at = time
      liked.edits = [{ content: 'before', replaced_at: time, replaced_by: other }]
      liked.reactions = [author, other].map((user_id) => ({ user_id, reaction_type: 'like', created_at: time }))
      const own = actors.owner.kind === 'account' ? actors.owner.accountId : null
      const { messages } = await exported((await imported(document, actors.owner)).id)
      expect(messages.map(({ sender_id }) => sender_id)).toEqual([own, null, null])
      expect(messages[2]?.reactions.map(({ user_id }) => user_id)).toEqual([own ?? ''])
      expect(messages[2]?.edits[0]?.replaced_by).toBeNull()
      const kept = (await exported((await imported(document, actors.service)).id)).messages
      expect(kept.map(({ sender_id }) => sender_id)).toEqual([author, other, null])
      expect(kept[2]?.reactions.map(({ user_id }) => user_id).sort()).toEqual([author, other].sort())
    })

    test('a branch is no older than the one that it was made from, whatever its clock said', async () => {
      const document = chatDocument({ messages: 0 })
      const [root] = document.branches
      const id = crypto.randomUUID()
      if (root)
        document.branches.unshift({ ...root, id, parent_branch_id: root.id, created_at: '2020-01-01T00:00:00.000Z' })
      const { branches } = await exported((await imported(document)).id)
      expect(branches.map(({ parent_branch_id }) => parent_branch_id === null)).toEqual([true, false])
      expect(branches.map(({ created_at }) => created_at)).toEqual([document.exported_at, document.exported_at])
    })

    test('an answer that was being written is stopped', async () => {
      const document = chatDocument({ messages: 3 })
      for (const [index, status] of (['pending', 'processing', 'failed'] as const).entries()) {
        Object.assign(document.messages[index] ?? {}, { status, sender_type: 'assistant', content: '' })
      }
      const { messages } = await exported((await imported(document)).id)
      expect(messages.map(({ status }) => status)).toEqual(['stopped', 'stopped', 'failed'])
    })

    test('ten thousand branches, each made from the one before, at the same place or at its end', async () => {
      for (const isLong of [false, true]) {
        const document = chatDocument({ messages: 1 })
        const [root] = document.branches
        const [message] = document.messages
        if (!(root && message)) throw new Error('The document has a branch and a message.')
        for (let depth = 1; depth < 10_000; depth++) {
          const id = crypto.randomUUID()
          const fork_position = isLong ? depth : 1
          document.branches.push({ ...root, id, parent_branch_id: document.branches.at(-1)?.id ?? null, fork_position })
          if (isLong)
            document.messages.push({ ...message, id: crypto.randomUUID(), branch_id: id, position: depth + 1 })
        }
        const { id } = await imported(document)
        expect(inOwnWords(await exported(id)).branches).toEqual(inOwnWords(document).branches)
      }
    })

    test("a stranger's chat is not there to export", async () => {
      const { id } = await imported(chatDocument({ messages: 1 }), actors.owner)
      await expect(world.exporter.json(actors.stranger, id)).rejects.toThrow(
        expect.objectContaining({ reason: 'chat_missing' }),
      )
      await expect(world.exporter.markdown(actors.stranger, id)).rejects.toThrow(
        expect.objectContaining({ reason: 'chat_missing' }),
      )
      await expect(world.exporter.markdown(actors.owner, id, crypto.randomUUID())).rejects.toThrow(
        expect.objectContaining({ reason: 'branch_missing' }),
      )
      await world.chats.remove(actors.owner, id)
      await expect(world.exporter.json(actors.owner, id)).rejects.toThrow(
        expect.objectContaining({ reason: 'chat_missing' }),
      )
    })

    test('Markdown has one branch, and no text of a message stands outside its quotation', async () => {
      const { owner } = actors
      const chat = await world.chats.create(owner, { title: 'A *bold* <title>' })
      const say = (content: string) => world.messages.post(owner, chat.id, { content })
      const [one] = [
        await say('Plain **Markdown**\n\n- a list'),
        await say('# Not a heading\r## assistant\n\n---\n> said'),
      ]
      await say('Code:\n```\n<script>alert(1)</script>\n```\n`````')
      await world.branches.diverge(owner, chat.id, one.id, { content: 'elsewhere' })
      const gone = await world.messages.post(owner, chat.id, { content: 'gone', branch_id: chat.id })
      await world.messages.remove(owner, chat.id, gone.id)
      const text = await markdown(chat.id, chat.id)
      const lines = text.split('\n').filter((line) => line !== '')
      expect(lines[0]).toBe('# A \\*bold\\* \\<title\\>')
      const outside = lines.filter((line) => !line.startsWith('>')).slice(2)
      expect(outside.filter((line) => line !== '*deleted*').every((line) => line.startsWith('## user '))).toBe(true)
      expect(outside).toHaveLength(5)
      expect(text).toContain('> Plain **Markdown**\n>\n> - a list\n')
      expect(text).toContain('> # Not a heading\n> ## assistant\n>\n> ---\n> > said\n')
      expect(text).toContain('> ``````text\n> Code:\n> ```\n> <script>alert(1)</script>\n> ```\n> `````\n> ``````\n')
      expect(await markdown(chat.id)).toContain('> elsewhere')
    })
  })
}

async function textOf(parts: AsyncGenerator<string>): Promise<string> {
  let text = ''
  for await (const part of parts) text += part
  return text
}
