import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { unwrap } from '../../client/src/errors.ts'
import { InvalidBody } from '../../src/contract/failures.ts'
import { ChatDocument } from '../../src/contract/transfer.ts'
import { testDatabases } from '../support/database.ts'
import { chatDocument, inOwnWords } from '../support/documents.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'

setDefaultTimeout(120_000)

for (const { kind, open } of testDatabases()) {
  describe(`a chat as a file on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open)
    })
    afterAll(() => people.close())

    const post = (body: BodyInit, type = 'application/json') =>
      people.ada.call('/api/chats/import', { method: 'POST', headers: { 'content-type': type }, body })
    const total = async () => (await unwrap(people.ada.client.api.chats.get())).total

    test('goes out with a name of its own and comes in again', async () => {
      const { client, call } = people.ada
      const { id } = await unwrap(client.api.chats.import.post(chatDocument({ messages: 450 })))
      const answer = await call(`/api/chats/${id}/export`)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('application/json;charset=utf-8')
      expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="chat-${id}.json"`)
      const text = await answer.text()
      const imported = await post(text)
      expect(imported.status).toBe(201)
      const copy = await unwrap(client.api.chats({ chat_id: (await imported.json()).id }).export.get({ query: {} }))
      expect(inOwnWords(ChatDocument.parse(copy))).toEqual(inOwnWords(ChatDocument.parse(JSON.parse(text))))
    })

    test('goes out as Markdown, one branch of it', async () => {
      const { id } = await unwrap(people.ada.client.api.chats.import.post(chatDocument({ messages: 2 })))
      const answer = await people.ada.call(`/api/chats/${id}/export?format=markdown&branch_id=${id}`)
      expect(answer.headers.get('content-type')).toBe('text/markdown;charset=utf-8')
      expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="chat-${id}-${id}.md"`)
      expect(await answer.text()).toContain('> message 2\n')
      const elsewhere = await people.ada.call(
        `/api/chats/${id}/export?format=markdown&branch_id=${crypto.randomUUID()}`,
      )
      expect(await refusalOf(elsewhere)).toEqual({ status: 404, reason: 'branch_missing' })
      for (const query of ['format=pdf', 'format=markdown&branch_id=x', `branch_id=${id}`]) {
        const refused = await people.ada.call(`/api/chats/${id}/export?${query}`)
        expect(await refusalOf(refused)).toEqual({ status: 422, reason: 'invalid' })
      }
    })

    test('a reader who leaves stops the reading', async () => {
      const { id } = await unwrap(people.ada.client.api.chats.import.post(chatDocument({ messages: 5000 })))
      const answer = await people.ada.call(`/api/chats/${id}/export`)
      const reader = answer.body?.getReader()
      await reader?.read()
      await reader?.cancel()
      expect((await people.ada.call('/health/ready')).status).toBe(200)
    })

    test("is another's only to whom it belongs", async () => {
      const { id } = await unwrap(people.ada.client.api.chats.import.post(chatDocument({ messages: 1 })))
      expect(await refusalOf(await people.bob.call(`/api/chats/${id}/export`))).toEqual({
        status: 404,
        reason: 'chat_missing',
      })
      expect((await people.server.call(`/api/chats/${id}/export`)).status).toBe(401)
    })

    test('nobody who is not signed in has their document read', async () => {
      const body = new Blob(['['.repeat(1_000_000)]).stream()
      expect((await people.server.call('/api/chats/import', { method: 'POST', body })).status).toBe(401)
    })

    const document = () => JSON.stringify(chatDocument({ messages: 2 }))
    const bad: [string, () => string, (string | number)[]][] = [
      ['nothing', () => '', ['body']],
      ['broken JSON', () => document().slice(0, -1), ['body']],
      ['another format', () => document().replace('parley.chat', 'other.chat'), ['body', 'format']],
      ['a newer version', () => document().replace('"version":1', '"version":2'), ['body', 'version']],
      [
        'a fault of a message',
        () => document().replace('"position":2', '"position":3'),
        ['body', 'messages', 1, 'position'],
      ],
      [
        'many branches',
        () =>
          JSON.stringify({
            ...chatDocument({ messages: 0 }),
            branches: Array.from({ length: 10_001 }, () => chatDocument({ messages: 0 }).branches[0]),
          }),
        ['body', 'branches'],
      ],
      [
        'deep nesting',
        () => document().replace('"metadata":{}', `"metadata":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
        ['body'],
      ],
      [
        '__proto__ in the chat',
        () => document().replace('"metadata":{}', '"metadata":{"__proto__":{"a":1}}'),
        ['body', 'chat', 'metadata', '__proto__'],
      ],
      [
        '__proto__ in a message, by another spelling',
        () =>
          document().replace(
            '"status":"completed","metadata":{}',
            '"status":"completed","metadata":{"a":{"\\u005f_\\u0070roto__":1}}',
          ),
        ['body', 'messages', 0, 'metadata', 'a', '__proto__'],
      ],
    ]
    for (const [name, body, loc] of bad) {
      test(`${name} is a 422 that names the place, and makes no chat`, async () => {
        const before = await total()
        const answer = await post(body())
        expect(answer.status).toBe(422)
        expect(InvalidBody.parse(await answer.json()).detail[0]?.loc).toEqual(loc)
        expect(await total()).toBe(before)
      })
    }

    test('a document too large or of another type is refused', async () => {
      const large = 'x'.repeat(32_000_001)
      expect(await refusalOf(await post(large))).toEqual({ status: 413, reason: 'body_too_large' })
      expect(await refusalOf(await post(new Blob([large]).stream()))).toEqual({ status: 413, reason: 'body_too_large' })
      expect(await refusalOf(await post(document(), 'text/plain'))).toEqual({ status: 415, reason: 'not_json' })
    })
  })
}
