import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Conversation } from '../../src/contract/sessions.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { storeKinds } from '../support/stores.ts'

setDefaultTimeout(60_000)

const base = '/v1/chat/sessions'

for (const { name, open } of storeKinds) {
  describe(`the Sessions API on ${name}`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer({ stores: await open() })
    })
    afterAll(() => server.close())

    const post = (session: string, content: string, role = 'user') =>
      server.post(`${base}/${session}/messages`, { role, content })

    test('an unknown session has no messages', async () => {
      const response = await server.call(`${base}/unknown/messages`)
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ session_id: 'unknown', messages: [] })
    })

    test('a post answers with the whole conversation, oldest first', async () => {
      await post('talk', 'one')
      const response = await post('talk', 'two', 'assistant')
      expect(response.status).toBe(201)
      const { messages } = Conversation.parse(await response.json())
      expect(messages.map(({ role, content }) => [role, content])).toEqual([
        ['user', 'one'],
        ['assistant', 'two'],
      ])
      const read = await server.call(`${base}/talk/messages`)
      expect(await read.json()).toEqual({ session_id: 'talk', messages })
    })

    test('text comes back as it was sent', async () => {
      const content = ' "quoted" \\ \n\t héllo 👩‍👩‍👧 \u2028 {"a":1} </script> '
      const { messages } = Conversation.parse(await (await post('text', content)).json())
      expect(messages.at(-1)?.content).toBe(content)
    })

    test('the list has the sessions with messages, by id, and leaves out the cleared', async () => {
      for (const id of ['list-c', 'list-a', 'list-b']) await post(id, 'hello')
      await post('list-a', 'again')
      await server.call(`${base}/list-b`, { method: 'DELETE' })
      const response = await server.call(`${base}?after=list&limit=2`)
      expect(await response.json()).toEqual([
        { session_id: 'list-a', message_count: 2 },
        { session_id: 'list-c', message_count: 1 },
      ])
      expect(response.headers.get('link')).toBe('</v1/chat/sessions?limit=2&after=list-c>; rel="next"')
    })

    test('clearing answers with the empty session, also when it was empty', async () => {
      await post('clear', 'hello')
      for (const _ of ['full', 'empty']) {
        const response = await server.call(`${base}/clear`, { method: 'DELETE' })
        expect(response.status).toBe(200)
        expect(await response.json()).toEqual({ session_id: 'clear', messages: [] })
      }
    })

    test('unknown fields and __proto__ are ignored', async () => {
      const body = '{"role":"user","content":"hi","id":"mine","__proto__":{"admin":true},"constructor":{"a":1}}'
      const response = await server.call(`${base}/proto/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      expect(response.status).toBe(201)
      const { messages } = Conversation.parse(await response.json())
      expect(Object.keys(messages[0] ?? {}).sort()).toEqual(['content', 'created_at', 'id', 'role'])
    })

    test('a body without a content type is read as JSON', async () => {
      const response = await server.call(`${base}/untyped/messages`, {
        method: 'POST',
        body: new TextEncoder().encode('{"role":"user","content":"hi"}'),
      })
      expect(response.status).toBe(201)
    })
  })
}
