import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import type { Message } from '../../../src/contract/chats.ts'
import type { Actor } from '../../../src/domain/accounts/actor.ts'
import { HistoryStore } from '../../../src/domain/chats/history-store.ts'
import { type SearchBounds, SearchService } from '../../../src/domain/chats/search.ts'
import { snippetOf } from '../../../src/domain/chats/search-snippet.ts'
import { SearchStore, scanStatement } from '../../../src/domain/chats/search-store.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'

setDefaultTimeout(60_000)

const service: Actor = { kind: 'service' }

test('a snippet shows a word whose small letters databases do not agree on', () => {
  for (const text of ['istanbul', 'i\u0307stanbul']) {
    const words = [{ text, isPrefix: false }]
    expect(snippetOf('to İSTANBUL', words)).toEqual({ text: 'to İSTANBUL', matches: [[3, 11]] })
  }
  for (const text of ['οδοσ', 'οδος'])
    expect(snippetOf('ΟΔΟΣ', [{ text, isPrefix: false }])).toEqual({ text: 'ΟΔΟΣ', matches: [[0, 4]] })
})

for (const { kind, open } of testDatabases()) {
  describe(`search on ${kind}`, () => {
    let world: ChatWorld
    beforeAll(async () => {
      world = await chatWorld(await open())
    })
    afterAll(() => world.database.close())

    /** A new account with a chat that says these things. */
    async function talk(...contents: string[]) {
      const actor = await newActor(world.database)
      const chat = await world.chats.create(actor, { title: 'Talk' })
      const messages: Message[] = []
      for (const content of contents) messages.push(await world.messages.post(actor, chat.id, { content }))
      const found = async (q: string, more = {}) => {
        const { items } = await world.search.search(actor, { q, ...more })
        return items.map(({ message }) => message.content)
      }
      return { actor, chat, messages, found }
    }

    test('all words have to be there, in any case, the last one also as the start of a word', async () => {
      const { found } = await talk('The hotel in Lisbon', 'A train to Lisbon', 'Hot soup in LISBON', 'Porto')
      expect((await found('lisbon')).length).toBe(3)
      expect((await found('lisbon hot')).sort()).toEqual(['Hot soup in LISBON', 'The hotel in Lisbon'])
      expect(await found('hot lisbon soup')).toEqual(['Hot soup in LISBON'])
      expect(await found('hotels')).toEqual([])
      expect(await found('isbon')).toEqual([])
    })

    test('phrases, alternatives and exclusions', async () => {
      const { found } = await talk('red wine and blue cheese', 'blue wine and red cheese', 'beer')
      expect(await found('"red wine"')).toEqual(['red wine and blue cheese'])
      expect(await found('wine -"red wine"')).toEqual(['blue wine and red cheese'])
      expect((await found('"red wine" or beer')).sort()).toEqual(['beer', 'red wine and blue cheese'])
      expect(await found('red -wine')).toEqual([])
      // What is left out is a whole word, also at the end.
      expect(await found('red -win')).toHaveLength(2)
    })

    test('words of other scripts, compounds and addresses', async () => {
      const { found } = await talk(
        'Grüße aus ÖSTERREICH',
        'Привет, МИР',
        'ΟΔΟΣ Αθηνών',
        'a self-hosted chat',
        'ada@example.com wrote',
      )
      expect(await found('grüße österr')).toEqual(['Grüße aus ÖSTERREICH'])
      expect(await found('мир')).toEqual(['Привет, МИР'])
      expect(await found('αθηνών')).toEqual(['ΟΔΟΣ Αθηνών'])
      expect(await found('self-ho')).toEqual(['a self-hosted chat'])
      expect(await found('self-hosted')).toEqual(['a self-hosted chat'])
      expect(await found('hosted')).toEqual(['a self-hosted chat'])
      expect(await found('ada@example.com')).toEqual(['ada@example.com wrote'])
    })

    test('the message that says it most comes first, of equals the newest', async () => {
      const { found } = await talk('apple pie', 'apple apple apple', 'one apple among many other fruits', 'apple pie')
      expect((await found('apple'))[0]).toBe('apple apple apple')
      const { messages, actor } = await talk('same words', 'same words')
      const { items } = await world.search.search(actor, { q: 'same' })
      expect(items.map(({ message }) => message.id)).toEqual(messages.map(({ id }) => id).reverse())
    })

    test('a hit has the message, its chat, and where it was found', async () => {
      const { actor, chat, messages } = await talk(
        `${'x '.repeat(500)}Lisbon, a hotel in lisbon <b>here</b>${' y'.repeat(500)}`,
      )
      const { items, has_more, complete } = await world.search.search(actor, { q: 'lisbon hot' })
      expect({ has_more, complete }).toEqual({ has_more: false, complete: true })
      const [hit] = items
      expect(hit?.message).toEqual(expect.objectContaining({ id: messages[0]?.id, seq: messages[0]?.seq }))
      expect(hit?.chat).toEqual({ id: chat.id, title: 'Talk' })
      expect(hit?.rank).toBeGreaterThan(0)
      const { text = '', matches = [] } = hit?.snippet ?? {}
      expect(text.length).toBeLessThanOrEqual(240)
      expect(text).toContain('<b>here</b>')
      expect(matches.map(([start, end]) => text.slice(start, end))).toEqual(['Lisbon', 'hotel', 'lisbon'])
    })

    test('an edited message is found by what it says now, a deleted one not at all', async () => {
      const { actor, chat, messages, found } = await talk('before', 'gone')
      await world.messages.edit(actor, chat.id, messages[0]?.id ?? '', 'after')
      await world.messages.remove(actor, chat.id, messages[1]?.id ?? '')
      expect(await found('before')).toEqual([])
      expect(await found('after')).toEqual(['after'])
      expect(await found('gone')).toEqual([])
    })

    test('every branch of every chat of the account, but no deleted chat', async () => {
      const { actor, chat, messages, found } = await talk('needle one')
      await world.branches.diverge(actor, chat.id, messages[0]?.id ?? '', { content: 'needle two' })
      const other = await world.chats.create(actor, { title: 'Other' })
      await world.messages.post(actor, other.id, { content: 'needle three' })
      expect((await found('needle')).sort()).toEqual(['needle one', 'needle three', 'needle two'])
      expect(await found('needle', { chat_id: other.id })).toEqual(['needle three'])
      await world.chats.update(actor, other.id, { archived: true })
      expect(await found('needle three')).toEqual(['needle three'])
      await world.chats.remove(actor, other.id)
      expect((await found('needle')).sort()).toEqual(['needle one', 'needle two'])
      await expect(found('needle', { chat_id: other.id })).rejects.toThrow(
        expect.objectContaining({ reason: 'chat_missing' }),
      )
    })

    test("nobody finds another's messages; admins and back ends name whose", async () => {
      const { actor, chat } = await talk('secret plan')
      const stranger = await newActor(world.database)
      const admin = await newActor(world.database, 'admin')
      const query = { q: 'secret', account_id: actor.kind === 'account' ? actor.accountId : '' }
      const count = async (by: Actor, more: object) =>
        (await world.search.search(by, { q: 'secret', ...more })).items.length
      expect(await count(stranger, {})).toBe(0)
      await expect(count(stranger, { chat_id: chat.id })).rejects.toThrow(
        expect.objectContaining({ reason: 'chat_missing' }),
      )
      await expect(count(stranger, query)).rejects.toThrow(expect.objectContaining({ reason: 'forbidden' }))
      await expect(count(service, {})).rejects.toThrow(expect.objectContaining({ reason: 'invalid' }))
      expect(await count(actor, query)).toBe(1)
      expect(await count(admin, {})).toBe(0)
      expect(await count(admin, query)).toBe(1)
      expect(await count(service, query)).toBe(1)
      expect(await count(service, { chat_id: chat.id })).toBe(1)
    })

    test('pages follow each other', async () => {
      const { actor } = await talk(...Array.from({ length: 5 }, (_, number) => `page ${number}`))
      const page = (skip: number) => world.search.search(actor, { q: 'page', skip, limit: 2 })
      const pages = [await page(0), await page(2), await page(4), await page(6)]
      expect(pages.map(({ items, has_more }) => [items.length, has_more])).toEqual([
        [2, true],
        [2, true],
        [1, false],
        [0, false],
      ])
      expect(new Set(pages.flatMap(({ items }) => items.map(({ message }) => message.id))).size).toBe(5)
    })

    test('what has no word to look for finds nothing', async () => {
      const { found } = await talk('something')
      for (const q of [' ', '!!! ???', '""', '-something', '- -', 'or', ':*', '&|!()', '\\', "'", '%_', '-a or b']) {
        expect(await found(q)).toEqual([])
      }
    })

    test('any text is a query', async () => {
      const { found } = await talk("what's a:*&!(b in C:\\dir", '100% of_it')
      for (const q of [
        'a:*&!(b',
        '"unbalanced',
        "it's",
        '((((',
        "'); DROP TABLE messages --",
        'a <-> b',
        'x'.repeat(200),
      ]) {
        await found(q)
      }
      expect(await found('100%')).toEqual(['100% of_it'])
      const text = fc.string({ unit: fc.constantFrom(...'aZ0 "\'-!&|:*()<>\\%_oré世\u{1f600}\u0301'), maxLength: 30 })
      await fc.assert(
        fc.asyncProperty(text, async (q) => {
          await found(q)
        }),
        { numRuns: 200 },
      )
    })

    test('whole words of a message find it, and the snippet shows them', async () => {
      const { actor } = await talk()
      const word = fc.stringMatching(/^[a-zA-Z\u00e0-\u00f6\u0400-\u042f]{2,12}$/)
      await fc.assert(
        fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 40 }), fc.nat(), async (words, pick) => {
          const chat = await world.chats.create(actor, { title: 'Words' })
          const sought = words[pick % words.length] ?? ''
          const { id } = await world.messages.post(actor, chat.id, { content: words.join(' ') })
          const { items } = await world.search.search(actor, { q: `"${sought}"`, chat_id: chat.id })
          expect(items.map(({ message }) => message.id)).toEqual([id])
          const { text = '', matches = [] } = items[0]?.snippet ?? {}
          expect(matches.length).toBeGreaterThan(0)
          for (const [start, end] of matches) expect(text.slice(start, end).toLowerCase()).toBe(sought.toLowerCase())
        }),
        { numRuns: 50 },
      )
    })

    test.each([
      ['snake_case', 'the snake_case of it', ['snake', 'case']],
      ['b', 'a_b', ['b']],
      ['"two_words"', 'two_words', ['two', 'words']],
      ['file_name.txt', 'see file_name.txt there', ['file_name.txt']],
      ['ΣΊΣΥΦΟΣ', 'ΣΊΣΥΦΟΣ', ['ΣΊΣΥΦΟΣ']],
    ])('%p is shown where it is in %p', async (q, content, shown) => {
      const { actor } = await talk(content)
      const { items } = await world.search.search(actor, { q })
      expect(items.map(({ snippet: { text, matches } }) => matches.map((place) => text.slice(...place)))).toEqual([
        shown,
      ])
    })

    test('a search is bounded, newest first, and says when something was left out', async () => {
      const { actor, chat } = await talk(...Array.from({ length: 30 }, (_, number) => `bounded ${number}`))
      const bounded = (bounds: SearchBounds) =>
        new SearchService({
          store: new SearchStore(world.database),
          reads: new HistoryStore(world.database),
          access: world.access,
          bounds,
        }).search(actor, { q: 'bounded', limit: 50 })
      const positions = ({ items }: Awaited<ReturnType<typeof bounded>>) =>
        items.map(({ message }) => message.position).sort((a, b) => a - b)
      // Two of the chat's events are no messages.
      expect(await world.log.read(chat.id, 32, 1)).toEqual({ events: [], complete: true })
      const all = await bounded({ messages: 32, step: 7, candidates: 100 })
      expect([positions(all).length, all.complete]).toEqual([30, true])
      const few = await bounded({ messages: 10, step: 7, candidates: 100 })
      expect([positions(few), few.complete]).toEqual([[21, 22, 23, 24, 25, 26, 27, 28, 29, 30], false])
      const best = await bounded({ messages: 100, step: 7, candidates: 5 })
      expect([positions(best), best.complete]).toEqual([[26, 27, 28, 29, 30], false])
    })

    test('walks the index of the chat, whatever else is in the table', async () => {
      const { actor, chat } = await talk('one')
      const [other] = [await world.chats.create(actor, { title: 'Large' })]
      await world.database.sql`
        INSERT INTO messages (id, chat_id, branch_id, position, seq, sender_type, content)
        SELECT gen_random_uuid(), ${other.id}, ${other.id}, number, number + 2, 'user', 'word ' || number
        FROM generate_series(1, 20000) AS number`
      await world.database.sql`ANALYZE messages`
      const statement = scanStatement(world.database.sql, [{ chatId: chat.id, low: 1, high: 100 }], "'one'", 'one', 100)
      const { sql } = world.database
      const plan = (await sql<{ 'QUERY PLAN': string }[]>`EXPLAIN ${statement}`)
        .map((row) => row['QUERY PLAN'])
        .join('\n')
      expect(plan).toContain('messages_chat_seq_index')
      expect(plan).not.toContain('Seq Scan')
    })
  })
}
