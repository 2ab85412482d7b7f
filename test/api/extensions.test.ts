import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { EventPage } from '../../src/contract/chat-calls.ts'
import { applyEvent, NO_CHAT } from '../../src/contract/chat-state.ts'
import { Chat, Message } from '../../src/contract/chats.ts'
import { ATTACHMENTS_MAX, MessageExtension, REACTIONS_MAX } from '../../src/contract/extensions.ts'
import { SupportMessage, SupportSession } from '../../src/contract/support.ts'
import { ChatDocument } from '../../src/contract/transfer.ts'
import { testDatabases } from '../support/database.ts'
import { upload } from '../support/files.ts'
import { LiveClient } from '../support/live.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'
import type { Person } from '../support/person.ts'

setDefaultTimeout(60_000)

const INVOICE = { url: 'https://example.com/invoice.pdf', name: 'invoice.pdf', type: 'application/pdf', size: 48_213 }
const attachment = (data: object) => ({ type: 'attachment', data })
const reaction = (reaction_type: string) => ({ type: 'reaction', data: { reaction_type } })
const pathOf = (messageId: string, id = '') => `/api/v1/messages/${messageId}/extensions${id && `/${id}`}`

for (const { kind, open } of testDatabases()) {
  describe(`what hangs on messages on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const said = async (who: Person, body: object = {}) => {
      const chat = Chat.parse(await (await who.send('/api/chats', { title: 'Talk' })).json()).id
      const answer = await who.send(`/api/chats/${chat}/messages`, { content: 'Hello there!', ...body })
      return Message.parse(await answer.json())
    }
    const add = (who: Person, message: Message, extension: object) => who.send(pathOf(message.id), extension)
    const added = async (who: Person, message: Message, extension: object) => {
      const answer = await add(who, message, extension)
      expect(answer.status).toBe(201)
      return MessageExtension.parse(await answer.json())
    }
    const remove = (who: Person, message: Message, id: string) => who.call(pathOf(message.id, id), { method: 'DELETE' })
    const list = async (who: Person, { id }: Message, query = '') =>
      z.array(MessageExtension).parse(await (await who.call(`${pathOf(id)}${query}`)).json())
    const read = async (who: Person, { chat_id, id }: Message) =>
      Message.parse(await (await who.call(`/api/chats/${chat_id}/messages/${id}`)).json())
    const logged = async (who: Person, { chat_id }: Message) =>
      EventPage.parse(await (await who.call(`/api/chats/${chat_id}/events?after=0&limit=1000`)).json()).events
    /** The message as its chat's log tells it, which is as it is read. */
    const replayed = async (who: Person, message: Message) => {
      const told = (await logged(who, message)).reduce(applyEvent, NO_CHAT).messages[message.id]
      expect(told).toEqual(await read(who, message))
      return told
    }

    test('an address is attached, told, listed, exported and imported; removed, it is gone from the log too', async () => {
      const { ada } = people
      const message = await said(ada)
      const client = await LiveClient.open(people.server.ws, ada)
      await client.watch(message.chat_id)
      const one = await added(ada, message, attachment(INVOICE))
      expect(one).toMatchObject({
        type: 'attachment',
        message_id: message.id,
        sender_id: ada.user.id,
        data: { ...INVOICE, file_id: null },
      })
      expect(await client.next('attachment.added')).toMatchObject({
        data: { message_id: message.id, attachment: { id: one.id, ...INVOICE } },
      })
      expect(await added(ada, message, attachment({ ...INVOICE, name: 'again.pdf' }))).toEqual(one)
      expect((await replayed(ada, message))?.attachments).toEqual([
        { id: one.id, ...INVOICE, sender_id: ada.user.id, created_at: one.created_at },
      ])
      expect(await list(ada, message)).toEqual([one])
      const { snapshot } = await client.watch(message.chat_id)
      expect(snapshot?.messages[0]?.attachments).toHaveLength(1)

      const document = ChatDocument.parse(await (await ada.call(`/api/chats/${message.chat_id}/export`)).json())
      expect(document.messages[0]?.attachments).toEqual([
        { ...INVOICE, sender_id: ada.user.id, created_at: one.created_at },
      ])
      const copy = Chat.parse(await (await ada.send('/api/chats/import', document)).json())
      const page = (await (await ada.call(`/api/chats/${copy.id}/messages`)).json()) as { items: Message[] }
      const imported = Message.parse(page.items[0])
      expect((await replayed(ada, imported))?.attachments).toMatchObject([{ ...INVOICE, sender_id: ada.user.id }])

      expect((await remove(ada, message, one.id)).status).toBe(204)
      expect(await client.next('attachment.removed')).toMatchObject({ data: { attachment_id: one.id } })
      expect((await replayed(ada, message))?.attachments).toEqual([])
      expect(JSON.stringify(await logged(ada, message))).not.toContain('invoice')
      expect(await refusalOf(await remove(ada, message, one.id))).toEqual({ status: 404, reason: 'extension_missing' })
      await client.close()
    })

    test.each([
      ['a scheme that is not http(s)', { ...INVOICE, url: 'javascript:alert(1)' }],
      ['a file of the server', { ...INVOICE, url: 'file:///etc/passwd' }],
      ['no scheme', { ...INVOICE, url: '//example.com' }],
      ['a password', { ...INVOICE, url: 'https://ada:secret@example.com' }],
      ['too long an address', { ...INVOICE, url: `https://example.com/${'x'.repeat(2048)}` }],
      ['no name', { url: INVOICE.url }],
      ['a name of several lines', { ...INVOICE, name: 'a\nb' }],
      ['a size below nothing', { ...INVOICE, size: -1 }],
      ['neither file nor address', {}],
    ])('what is attached is refused with %s', async (_, data) => {
      const message = await said(people.ada)
      const answer = await add(people.ada, message, attachment(data))
      expect(await refusalOf(answer)).toEqual({ status: 422, reason: 'invalid' })
      expect(await list(people.ada, message)).toEqual([])
    })

    test('a file is one of the message whenever it is attached, and its own id is that of the attachment', async () => {
      const { ada, bob } = people
      const [first, later] = [await upload(ada, 'first.txt', 'first'), await upload(ada, 'later.txt', 'later')]
      const message = await said(ada, { file_ids: [first.id] })
      const one = await added(ada, message, attachment({ file_id: later.id }))
      expect(one).toMatchObject({
        id: later.id,
        sender_id: ada.user.id,
        data: {
          file_id: later.id,
          url: `/api/files/${later.id}/download`,
          name: 'later.txt',
          type: 'text/plain',
          size: 5,
        },
      })
      expect(await added(ada, message, attachment({ file_id: later.id }))).toEqual(one)
      expect((await replayed(ada, message))?.files.map(({ id }) => id)).toEqual([first.id, later.id])
      expect((await list(ada, message, '?type=attachment')).map(({ id, sender_id }) => [id, sender_id])).toEqual([
        [first.id, ada.user.id],
        [later.id, ada.user.id],
      ])
      const hers = await said(bob)
      expect(await refusalOf(await add(bob, hers, attachment({ file_id: first.id })))).toEqual({
        status: 404,
        reason: 'file_missing',
      })
      for (const { id } of [first, later]) expect((await remove(ada, message, id)).status).toBe(204)
      expect((await replayed(ada, message))?.files).toEqual([])
      expect(JSON.stringify(await logged(ada, message))).not.toContain('later.txt')
    })

    test('a reaction is the one that other routes tell of, once each, and its sender’s to take back', async () => {
      const { ada } = people
      const message = await said(ada)
      const like = await added(ada, message, reaction('like'))
      expect(like).toMatchObject({ type: 'reaction', sender_id: ada.user.id, data: { reaction_type: 'like' } })
      expect(await added(ada, message, reaction('like'))).toEqual(like)
      const dislike = await added(ada, message, reaction('dislike'))
      expect(await list(ada, message, '?type=reaction')).toEqual([dislike])
      expect((await replayed(ada, message))?.reactions.map(({ reaction_type }) => reaction_type)).toEqual(['dislike'])
      await ada.call(`/api/chats/${message.chat_id}/messages/${message.id}/reactions/%F0%9F%8E%89`, { method: 'PUT' })
      const party = (await list(ada, message)).at(-1)
      expect(party?.data).toEqual({ reaction_type: '🎉' })
      expect((await remove(ada, message, party?.id ?? '')).status).toBe(204)
      expect((await replayed(ada, message))?.reactions).toHaveLength(1)
      for (const bad of [reaction('nice'), { type: 'edit', data: { content: 'never said' } }, reaction('')]) {
        expect(await refusalOf(await add(ada, message, bad))).toEqual({ status: 422, reason: 'invalid' })
      }
      const other = { ...reaction('like'), sender_id: people.bob.user.id }
      expect(await refusalOf(await add(ada, message, other))).toEqual({ status: 403, reason: 'forbidden' })
    })

    test('a message has so many attachments and reactions, and no more', async () => {
      const { ada } = people
      const message = await said(ada)
      for (let number = 0; number < ATTACHMENTS_MAX; number += 1) {
        await added(ada, message, attachment({ ...INVOICE, url: `https://example.com/${number}` }))
      }
      const full = { status: 409, reason: 'too_many_attachments' }
      expect(await refusalOf(await add(ada, message, attachment(INVOICE)))).toEqual(full)
      const file = await upload(ada, 'one.txt', 'one')
      expect(await refusalOf(await add(ada, message, attachment({ file_id: file.id })))).toEqual(full)
      for (let number = 0; number < REACTIONS_MAX.each; number += 1) {
        await added(ada, message, reaction(String.fromCodePoint(0x1f600 + number)))
      }
      expect(await refusalOf(await add(ada, message, reaction('🎉')))).toEqual({
        status: 409,
        reason: 'too_many_reactions',
      })
    })

    test('what a deleted message had attached is read no more, not in the log either', async () => {
      const { ada } = people
      const message = await said(ada)
      const file = await upload(ada, 'secret.txt', 'secret')
      await added(ada, message, attachment({ url: 'https://example.com/secret', name: 'secret' }))
      await added(ada, message, attachment({ file_id: file.id }))
      await ada.call(`/api/chats/${message.chat_id}/messages/${message.id}`, { method: 'DELETE' })
      expect(await list(ada, message)).toEqual([])
      expect(await replayed(ada, message)).toMatchObject({ content: '', attachments: [], files: [] })
      expect(JSON.stringify(await logged(ada, message))).not.toContain('secret')
      expect(await refusalOf(await add(ada, message, attachment(INVOICE)))).toEqual({
        status: 409,
        reason: 'message_deleted',
      })
    })

    test('nobody else sees, adds or removes, nor anybody who shows nothing', async () => {
      const { ada, bob, server } = people
      const message = await said(ada)
      const { id } = await added(ada, message, attachment(INVOICE))
      const missing = { status: 404, reason: 'message_missing' }
      // The Support API is public here: that opens its own sessions alone.
      const nobody = { call: server.call, send: server.post }
      for (const who of [bob, nobody]) {
        expect(await refusalOf(await who.call(pathOf(message.id)))).toEqual(missing)
        expect(await refusalOf(await who.send(pathOf(message.id), reaction('like')))).toMatchObject({ status: 404 })
        const as = { ...reaction('like'), sender_id: 'customer-7' }
        if (who === nobody) expect(await refusalOf(await who.send(pathOf(message.id), as))).toEqual(missing)
        expect(await refusalOf(await who.call(pathOf(message.id, id), { method: 'DELETE' }))).toEqual(missing)
      }
      expect(await list(ada, message)).toHaveLength(1)
    })

    test('support sessions have the same: what a message said before is listed, and stays', async () => {
      const { server } = people
      const session = SupportSession.parse(await (await server.post('/api/v1/sessions', { user_id: 'c-7' })).json())
      const draft = { content: 'Helo', sender_type: 'user', sender_id: 'c-7' }
      const posted = await (await server.post(`/api/v1/sessions/${session.id}/messages`, draft)).json()
      const { id } = SupportMessage.parse(posted)
      const change = { method: 'PATCH', headers: { 'content-type': 'application/json' } }
      const edited = await server.call(`/api/v1/messages/${id}`, { ...change, body: '{"content":"Hello"}' })
      expect(SupportMessage.parse(await edited.json())).toMatchObject({ content: 'Hello', session_id: session.id })
      expect(await refusalOf(await server.post(pathOf(id), reaction('like')))).toEqual({
        status: 422,
        reason: 'invalid',
      })
      const liked = await server.post(pathOf(id), { ...reaction('like'), sender_id: 'agent-3' })
      expect(liked.status).toBe(201)
      const all = z.array(MessageExtension).parse(await (await server.call(pathOf(id))).json())
      expect(all.map(({ type, sender_id, data }) => ({ type, sender_id, data }))).toEqual([
        { type: 'edit', sender_id: null, data: { content: 'Helo' } },
        { type: 'reaction', sender_id: 'agent-3', data: { reaction_type: 'like' } },
      ])
      const kept = await server.call(pathOf(id, all[0]?.id), { method: 'DELETE' })
      expect(await refusalOf(kept)).toEqual({ status: 409, reason: 'extension_kept' })
    })
  })
}
