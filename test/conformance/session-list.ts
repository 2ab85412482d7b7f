import { expect, test } from 'bun:test'
import { messageText, newSession, type Start } from './session-world.ts'

/** An owner's sessions, in pages. */
export function sessionList(start: Start): void {
  test('has the sessions of its owner that hold messages, by id', async () => {
    const { store, peer } = await start()
    const owner = crypto.randomUUID()
    for (const id of ['b', 'a.2', 'Z', 'a', 'a:1', '10', '9', 'empty']) {
      await store.append({ owner, id }, messageText(id))
    }
    await peer.append({ owner, id: 'b' }, messageText('again'))
    await store.clear({ owner, id: 'empty' })
    await store.clear({ owner, id: 'never written' })
    await store.append(newSession(), messageText('of another owner'))
    const page = await store.list(owner, { limit: 1000 })
    expect(page.map(({ session_id }) => session_id)).toEqual(['10', '9', 'Z', 'a', 'a.2', 'a:1', 'b'])
    expect(page.map(({ message_count }) => message_count)).toEqual([1, 1, 1, 1, 1, 1, 2])
    expect(await store.list(crypto.randomUUID(), { limit: 1000 })).toEqual([])
  })

  test('shows a session again that was cleared and written to', async () => {
    const { store } = await start()
    const session = newSession()
    await store.append(session, messageText('a'))
    await store.clear(session)
    expect(await store.list(session.owner, { limit: 5 })).toEqual([])
    await store.append(session, messageText('b'))
    expect(await store.list(session.owner, { limit: 5 })).toEqual([{ session_id: session.id, message_count: 1 }])
  })

  test('comes in pages that are full until the last, however many sessions are empty', async () => {
    const { store } = await start()
    const owner = crypto.randomUUID()
    const ids = Array.from({ length: 500 }, (_, index) => `session-${String(index).padStart(3, '0')}`)
    await Promise.all(ids.map((id) => store.append({ owner, id }, messageText(id))))
    const kept = ids.filter((_, index) => index < 5 || index % 50 === 0 || index > 480)
    await Promise.all(ids.filter((id) => !kept.includes(id)).map((id) => store.clear({ owner, id })))
    for (const limit of [1, 7, kept.length, 1000]) {
      const pages: string[][] = []
      let after: string | undefined
      do {
        const page = await store.list(owner, after === undefined ? { limit } : { limit, after })
        pages.push(page.map(({ session_id }) => session_id))
        after = page.length === limit ? page.at(-1)?.session_id : undefined
      } while (after !== undefined)
      expect(pages.flat()).toEqual(kept)
    }
  })

  test('begins after an id that need not be there', async () => {
    const { store } = await start()
    const owner = crypto.randomUUID()
    for (const id of ['a', 'c', 'e']) await store.append({ owner, id }, messageText(id))
    const after = async (id: string) => (await store.list(owner, { limit: 10, after: id })).map((s) => s.session_id)
    expect(await after('b')).toEqual(['c', 'e'])
    expect(await after('c')).toEqual(['e'])
    expect(await after('z')).toEqual([])
  })
}
