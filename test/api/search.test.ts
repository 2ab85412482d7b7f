import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { unwrap } from '../../client/src/errors.ts'
import { InvalidBody } from '../../src/contract/failures.ts'
import { SearchResult } from '../../src/contract/search.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'

setDefaultTimeout(60_000)

const SERVICE_KEY = 'a-back-end-of-the-product-has-this-key'

for (const { kind, open } of testDatabases()) {
  describe(`GET /api/search on ${kind}`, () => {
    let people: People
    let chat_id: string
    beforeAll(async () => {
      people = await openPeople(open, { env: { SERVICE_API_KEY: SERVICE_KEY } })
      const { chats } = people.ada.client.api
      chat_id = (await unwrap(chats.post({ title: 'Trip' }))).id
      for (const content of ['Lisbon by train', 'A hotel in Lisbon']) {
        await unwrap(chats({ chat_id }).messages.post({ content }))
      }
    })
    afterAll(() => people.close())

    const search = (query: Record<string, string>) => people.ada.call(`/api/search?${new URLSearchParams(query)}`)

    test('finds the messages of the account, with their chat and a snippet', async () => {
      const answer = await search({ q: 'lisbon hot' })
      expect(answer.status).toBe(200)
      const { items, ...rest } = SearchResult.parse(await answer.json())
      expect(rest).toEqual({ has_more: false, complete: true })
      expect(items).toHaveLength(1)
      expect(items[0]?.chat).toEqual({ id: chat_id, title: 'Trip' })
      expect(items[0]?.snippet).toEqual({
        text: 'A hotel in Lisbon',
        matches: [
          [2, 7],
          [11, 17],
        ],
      })
      expect(items[0]?.message).toMatchObject({ chat_id, content: 'A hotel in Lisbon', position: 2 })
    })

    test('the client of the package has it, in pages', async () => {
      const { api } = people.ada.client
      const first = await unwrap(api.search.get({ query: { q: 'lisbon', limit: 1 } }))
      const second = await unwrap(api.search.get({ query: { q: 'lisbon', limit: 1, skip: 1, chat_id } }))
      expect([first.has_more, second.has_more]).toEqual([true, false])
      expect(first.items[0]?.message.id).not.toBe(second.items[0]?.message.id)
    })

    test("another account finds none of it, nor may it look through another's", async () => {
      expect(await unwrap(people.bob.client.api.search.get({ query: { q: 'lisbon' } }))).toMatchObject({ items: [] })
      const ofChat = await people.bob.call(`/api/search?q=lisbon&chat_id=${chat_id}`)
      expect(await refusalOf(ofChat)).toEqual({ status: 404, reason: 'chat_missing' })
      const ofAccount = await people.bob.call(`/api/search?q=lisbon&account_id=${people.ada.user.id}`)
      expect(await refusalOf(ofAccount)).toEqual({ status: 403, reason: 'forbidden' })
    })

    test('a back end names whose chats it looks through', async () => {
      const headers = { 'x-api-key': SERVICE_KEY }
      const found = await people.server.call(`/api/search?q=lisbon&account_id=${people.ada.user.id}`, { headers })
      expect(SearchResult.parse(await found.json()).items).toHaveLength(2)
      const unnamed = await people.server.call('/api/search?q=lisbon', { headers })
      expect(InvalidBody.parse(await unnamed.json()).detail[0]?.loc).toEqual(['query', 'account_id'])
    })

    test('nonsense finds nothing', async () => {
      for (const q of [' ', '?!', '"', '"unbalanced', 'a:*&!(b', "'; --", '\\', '-', ':*', '\u202e', '\u{1f600}']) {
        const answer = await search({ q })
        expect(answer.status).toBe(200)
        expect(SearchResult.parse(await answer.json()).items).toEqual([])
      }
    })

    test('a query that is none is refused', async () => {
      const bad: [Record<string, string>, string][] = [
        [{}, 'q'],
        [{ q: '' }, 'q'],
        [{ q: 'x'.repeat(10_000) }, 'q'],
        [{ q: 'a\0b' }, 'q'],
        [{ q: 'x', limit: '0' }, 'limit'],
        [{ q: 'x', limit: '51' }, 'limit'],
        [{ q: 'x', limit: '1e9' }, 'limit'],
        [{ q: 'x', skip: '-1' }, 'skip'],
        [{ q: 'x', skip: '1001' }, 'skip'],
        [{ q: 'x', chat_id: 'mine' }, 'chat_id'],
        [{ q: 'x', account_id: '%00' }, 'account_id'],
      ]
      for (const [query, field] of bad) {
        const answer = await search(query)
        expect(answer.status).toBe(422)
        expect(InvalidBody.parse(await answer.json()).detail[0]?.loc).toEqual(['query', field])
      }
      expect((await people.ada.call('/api/search?q=%ff%fe')).status).toBeLessThan(500)
      expect((await people.ada.call('/api/search?q=a&q=b')).status).toBe(422)
    })
  })
}
