import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { unwrap } from '../../client/src/errors.ts'
import { DemoAnswerer } from '../../src/adapters/answerers/demo.ts'
import { startServer } from '../support/app.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'

setDefaultTimeout(60_000)

/** As deep as a body can be: what calls itself for each level runs out of stack. */
const deep = `${'['.repeat(120_000)}${']'.repeat(120_000)}`

const BAD_CONTENT: [string, string, number, string][] = [
  ['blank', '{"content":" \\n"}', 422, 'invalid'],
  ['a NUL character', '{"content":"a\\u0000b"}', 422, 'invalid'],
  ['half of a surrogate pair', '{"content":"\\ud800"}', 422, 'invalid'],
  ['too long', JSON.stringify({ content: 'a'.repeat(32_769) }), 422, 'invalid'],
  ['1 MB', JSON.stringify({ content: 'a'.repeat(1_000_000) }), 413, 'body_too_large'],
  ['of the wrong type', '{"content":{"text":"hi"}}', 422, 'invalid'],
  ['missing', '{}', 422, 'invalid'],
  ['no JSON', '{"content":', 422, 'invalid'],
]

for (const { kind, open } of testDatabases()) {
  describe(`bad input to chats on ${kind} is refused, and nothing is stored`, () => {
    let people: People
    let chat: string
    let message: string
    beforeAll(async () => {
      people = await openPeople(open)
      chat = (await unwrap(people.ada.client.api.chats.post({ title: 'Talk' }))).id
      message = (await unwrap(people.ada.client.api.chats({ chat_id: chat }).messages.post({ content: 'hi' }))).id
    })
    afterAll(() => people.close())

    const send = (path: string, body: string, method = 'POST') =>
      people.ada.call(path, { method, headers: { 'content-type': 'application/json' }, body })
    const state = async () => {
      const { events } = await unwrap(people.ada.client.api.chats({ chat_id: chat }).events.get())
      return [events, (await unwrap(people.ada.client.api.chats.get())).total]
    }
    /** The calls are refused one by one with this, and the chat is as before. */
    const refuses = async (status: number, reason: string, ...calls: (() => Promise<Response>)[]) => {
      const before = await state()
      for (const call of calls) expect(await refusalOf(await call())).toEqual({ status, reason })
      expect(await state()).toEqual(before)
    }

    test.each(BAD_CONTENT)('content: %s', async (_, body, status, reason) => {
      const at = `/api/chats/${chat}/messages`
      const question = body.replace('"content"', `"chat_id":"${chat}","question"`)
      await refuses(
        status,
        reason,
        () => send(at, body),
        () => send(`${at}/${message}`, body, 'PATCH'),
        () => send(`${at}/${message}/divergence`, body),
        () => send('/api/v1/messages/add-message', body === '{}' ? body : question),
      )
    })

    test('titles and names', async () => {
      const bad = ['', ' ', 'a\nb', 'a\0b', '\ud800', 'a'.repeat(201)].map((text) => JSON.stringify(text))
      for (const text of bad) {
        await refuses(
          422,
          'invalid',
          () => send('/api/chats', `{"title":${text}}`),
          () => send(`/api/chats/${chat}`, `{"title":${text}}`, 'PATCH'),
          () => send('/api/v1/chats/create-chat', `{"name":${text}}`),
          () => send(`/api/v1/chats/update-chat?chat_id=${chat}`, `{"name":${text}}`, 'PUT'),
          () => send(`/api/chats/${chat}/messages/${message}/branches`, `{"name":${text}}`),
          () => send(`/api/chats/${chat}/branches/${chat}`, `{"name":${text}}`, 'PATCH'),
        )
      }
    })

    test('metadata', async () => {
      const bad = ['[]', '"text"', '{"a":"\\u0000"}', '{"\\u0000":1}', '{"a":"\\ud800"}', `{"a":"${'x'.repeat(9000)}"}`]
      for (const metadata of [...bad, `{"a":${deep}}`]) {
        await refuses(
          422,
          'invalid',
          () => send('/api/chats', `{"title":"Talk","metadata":${metadata}}`),
          () => send(`/api/chats/${chat}`, `{"metadata":${metadata}}`, 'PATCH'),
          () => send(`/api/chats/${chat}/messages`, `{"content":"hi","metadata":${metadata}}`),
        )
      }
      await refuses(422, 'invalid', () => send('/trpc/chats.create', `{"title":"Talk","metadata":{"a":${deep}}}`))
    })

    test('ids that are none', async () => {
      for (const id of ['1', '%00', 'a%2Fb', `${chat}x`, "'%20OR%201=1", '%ff']) {
        await refuses(
          422,
          'invalid',
          () => people.ada.call(`/api/chats/${id}`),
          () => people.ada.call(`/api/chats/${chat}/messages/${id}`),
          () => people.ada.call(`/api/chats/${chat}/branches/${id}/messages`),
          () => people.ada.call(`/api/v1/chats/get-chat?chat_id=${id}`),
        )
      }
    })

    test('places in the history that are none', async () => {
      const bad = ['before=0', 'after=-1', 'around=1.5', 'before=99999999999', 'after=NaN', 'before=x', 'limit=0']
      for (const query of [...bad, 'limit=201', 'before=1&after=1', 'around=1&around=2', 'after=1e400']) {
        await refuses(422, 'invalid', () => people.ada.call(`/api/chats/${chat}/branches/${chat}/messages?${query}`))
      }
      for (const query of ['skip=-1', 'limit=0', 'limit=1001', 'skip=99999999999', 'skip=x']) {
        await refuses(
          422,
          'invalid',
          () => people.ada.call(`/api/chats?${query}`),
          () => people.ada.call(`/api/chats/${chat}/messages?${query}`),
        )
      }
      for (const query of ['after=-1', 'limit=1001', 'after=99999999999999999999']) {
        await refuses(422, 'invalid', () => people.ada.call(`/api/chats/${chat}/events?${query}`))
      }
    })

    test('somebody else’s messages and branches', async () => {
      const { client } = people.bob
      const foreign = (await unwrap(client.api.chats.post({ title: 'Hers' }))).id
      const { id } = await unwrap(client.api.chats({ chat_id: foreign }).messages.post({ content: 'hers' }))
      const branch = (
        await unwrap(client.api.chats({ chat_id: foreign }).messages({ message_id: id }).branches.post({}))
      ).id
      for (const message_id of [id, crypto.randomUUID()]) {
        const at = `/api/chats/${chat}/messages/${message_id}`
        await refuses(
          404,
          'message_missing',
          () => people.ada.call(at),
          () => send(at, '{"content":"mine now"}', 'PATCH'),
          () => people.ada.call(at, { method: 'DELETE' }),
          () => people.ada.call(`${at}/edits`),
          () => people.ada.call(`${at}/siblings`),
          () => people.ada.call(`${at}/reactions/like`, { method: 'PUT' }),
          () => send(`${at}/branches`, '{}'),
          () => send(`${at}/divergence`, '{"content":"mine now"}'),
          () => send(`/api/chats/${chat}/read-cursor`, `{"message_id":"${message_id}"}`, 'PUT'),
        )
        await refuses(404, 'response_missing', () =>
          send('/api/v1/branches/create-branch', `{"chat_id":"${chat}","response_id":"${message_id}"}`),
        )
      }
      for (const branch_id of [branch, foreign, crypto.randomUUID()]) {
        const at = `/api/chats/${chat}/branches/${branch_id}`
        await refuses(
          404,
          'branch_missing',
          () => people.ada.call(at),
          () => people.ada.call(`${at}/messages`),
          () => send(at, '{"name":"mine now"}', 'PATCH'),
          () => send(`/api/chats/${chat}/active-branch`, `{"branch_id":"${branch_id}"}`, 'PUT'),
          () => send(`/api/chats/${chat}/messages`, `{"content":"hi","branch_id":"${branch_id}"}`),
          () => send(`/api/chats/${chat}/messages/${message}/branches`, `{"parent_id":"${branch_id}"}`),
        )
      }
    })

    test('a branch at a deleted message, and an edit of an answer that is not one’s own', async () => {
      const said = await unwrap(people.ada.client.api.chats({ chat_id: chat }).messages.post({ content: 'gone' }))
      await unwrap(people.ada.client.api.chats({ chat_id: chat }).messages({ message_id: said.id }).delete())
      await refuses(
        409,
        'message_deleted',
        () => send(`/api/chats/${chat}/messages/${said.id}/branches`, '{}'),
        () => send(`/api/chats/${chat}/messages/${said.id}/divergence`, '{"content":"other"}'),
        () => people.ada.call(`/api/chats/${chat}/messages/${said.id}/reactions/like`, { method: 'PUT' }),
      )
      const answering = await startServer({ database: people.database, answerer: new DemoAnswerer() })
      const asked = await answering.call('/api/v1/messages/add-message', {
        method: 'POST',
        headers: { ...people.ada.headers, 'content-type': 'application/json' },
        body: JSON.stringify({ chat_id: chat, question: 'why?' }),
      })
      expect(asked.status).toBe(201)
      const { response_id } = (await asked.json()) as { response_id: string }
      await answering.close()
      const at = `/api/chats/${chat}/messages/${response_id}`
      await refuses(
        403,
        'not_yours',
        () => send(at, '{"content":"because I say so"}', 'PATCH'),
        () => people.ada.call(at, { method: 'DELETE' }),
      )
    })
  })
}
