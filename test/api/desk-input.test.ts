import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { DemoAnswerer } from '../../src/adapters/answerers/demo.ts'
import { DeskSession } from '../../src/contract/desk.ts'
import { InvalidBody } from '../../src/contract/failures.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'

setDefaultTimeout(60_000)

const base = '/api/sessions'
const messages = `${base}/kept/messages`

for (const { kind, open } of testDatabases()) {
  describe(`what the Desk API does not take on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    beforeAll(async () => {
      database = await open()
      server = await startServer({ database, answerer: new DemoAnswerer() })
      await server.post(base, { id: 'kept', title: 'Kept', created_at: '2026-01-01T00:00:00Z' })
    })
    afterAll(async () => {
      await server.close()
      await database.close()
    })

    const nothingStored = async () => {
      const sessions = z.array(DeskSession).parse(await (await server.call(base)).json())
      expect(sessions).toEqual([{ id: 'kept', title: 'Kept', created_at: '2026-01-01T00:00:00Z', messages: [] }])
    }
    const refused = async (answer: Response, loc: (string | number)[]) => {
      expect(answer.status).toBe(422)
      expect(InvalidBody.parse(await answer.json()).detail[0]?.loc).toEqual(loc)
      await nothingStored()
    }

    test('says once what is wrong with a time', async () => {
      const answer = await server.post(base, { title: 'Trip', created_at: 'yesterday' })
      const { detail } = InvalidBody.parse(await answer.json())
      expect(detail).toEqual([{ loc: ['body', 'created_at'], msg: 'Use an ISO 8601 time.', type: 'custom' }])
    })

    const said = { content: 'hi', sender: 'user' }
    test.each<[string, unknown, string[]]>([
      ['blank content', { ...said, content: ' \n' }, ['body', 'content']],
      ['no content', { sender: 'user' }, ['body', 'content']],
      ['content of another type', { ...said, content: 5 }, ['body', 'content']],
      ['a NUL character', { ...said, content: 'a\0b' }, ['body', 'content']],
      ['content over the limit', { ...said, content: 'a'.repeat(32_769) }, ['body', 'content']],
      ['another sender', { ...said, sender: 'system' }, ['body', 'sender']],
      ['no sender', { content: 'hi' }, ['body', 'sender']],
      ['no object', 'hi', ['body']],
      ['a time of another type', { ...said, timestamp: 1_700_000_000 }, ['body', 'timestamp']],
      ...['yesterday', '', '2025-11-30', '2025-02-30T00:00:00', '2025-11-30T25:00:00Z', '2025-11-30 12:00:00', 'Z'].map(
        (timestamp): [string, unknown, string[]] => [
          `the time "${timestamp}"`,
          { ...said, timestamp },
          ['body', 'timestamp'],
        ],
      ),
      [
        'a time as long as a book',
        { ...said, timestamp: `2025-11-30T12:00:00.${'1'.repeat(1000)}Z` },
        ['body', 'timestamp'],
      ],
    ])('a message with %s', async (_, body, loc) => refused(await server.post(messages, body), loc))

    const made = { id: 'bad', title: 'Bad' }
    test.each<[string, unknown, string[]]>([
      ['no title', { id: 'bad' }, ['body', 'title']],
      ['a blank title', { ...made, title: ' ' }, ['body', 'title']],
      ['a NUL character in its title', { ...made, title: 'a\0' }, ['body', 'title']],
      ['a title over the limit', { ...made, title: 'a'.repeat(201) }, ['body', 'title']],
      ...['', '.', '..', 'a/b', 'a\\b', 'a\nb', 'a\0b', '\ud800', 'a'.repeat(129)].map(
        (id): [string, unknown, string[]] => [
          `the id ${JSON.stringify(id).slice(0, 20)}`,
          { ...made, id },
          ['body', 'id'],
        ],
      ),
      ['an id that is a number', { ...made, id: 5 }, ['body', 'id']],
      ...['tomorrow', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-12:00'].map(
        (created_at): [string, unknown, string[]] => [
          `the time "${created_at}"`,
          { ...made, created_at },
          ['body', 'created_at'],
        ],
      ),
    ])('a session with %s', async (_, body, loc) => refused(await server.post(base, body), loc))

    test.each([
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['limit=99999999999999999999', 'limit'],
      ['limit=x', 'limit'],
      ['offset=-1', 'offset'],
      ['offset=1e300', 'offset'],
      ['offset=1.5', 'offset'],
    ])('a list with %s', async (query, name) => refused(await server.call(`${base}?${query}`), ['query', name]))

    test.each(['offset=-1', 'offset=x', 'offset=2000000001', 'limit=1001'])('a read with %s', async (query) => {
      await refused(await server.call(`${base}/kept?${query}`), ['query', query.split('=')[0] ?? ''])
    })

    test.each(['%00', 'a%0Ab', 'a%2Fb', '%ED%A0%80%00', 'a'.repeat(129)])('the path of %s', async (id) => {
      await refused(await server.call(`${base}/${id}`), ['path', 'session_id'])
      await refused(await server.post(`${base}/${id}/messages`, said), ['path', 'session_id'])
    })

    test('a megabyte, or what is not JSON', async () => {
      const megabyte = await server.post(messages, { ...said, content: 'a'.repeat(1_000_000) })
      expect([megabyte.status, await megabyte.json()]).toMatchObject([413, { reason: 'body_too_large' }])
      const form = await server.call(messages, { method: 'POST', body: new URLSearchParams(said) })
      expect([form.status, await form.json()]).toMatchObject([415, { reason: 'not_json' }])
      const broken = await server.call(messages, { method: 'POST', body: '{"content"' })
      expect(broken.status).toBe(422)
      await nothingStored()
    })

    test('numbers at the end of what they may be find nothing', async () => {
      const sessions = await server.call(`${base}?offset=2000000000&limit=1000`)
      expect(await sessions.json()).toEqual([])
      const read = await server.call(`${base}/kept?offset=2000000000&limit=1000`)
      expect(await read.json()).toMatchObject({ messages: [] })
    })
  })
}
