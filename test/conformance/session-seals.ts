import { expect, test } from 'bun:test'
import { Refusal } from '../../src/domain/refusal.ts'
import { promotedText, sessionEvent } from '../../src/domain/sessions/events.ts'
import { until } from '../support/wait.ts'
import { LONG_TEST_MS, listen, messageText, newSession, type Start } from './session-world.ts'

const newSeal = () => ({ chatId: crypto.randomUUID(), accountId: crypto.randomUUID() })

/** What a call is refused for; `undefined` where it is not. */
async function reasonOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (fault) {
    if (fault instanceof Refusal) return fault.reason
    throw fault
  }
}

/** A session that becomes a chat. */
export function sessionSeals(start: Start): void {
  test('keeps the messages as they are: the first seal stays, and no change is taken', async () => {
    const { store, peer } = await start()
    const session = newSession()
    const messages = ['plain', 'ünïcode \n"quoted" \\', '🙂\u2028'].map(messageText)
    for (const message of messages) await store.append(session, message)
    const before = await store.read(session)
    const [first, second] = [newSeal(), newSeal()]
    expect(await store.seal(session, first)).toEqual({ seal: first, messages })
    expect(await peer.seal(session, second)).toEqual({ seal: first, messages })
    for (const one of [store, peer]) {
      expect(await reasonOf(one.append(session, messageText('late')))).toBe('session_promoted')
      expect(await reasonOf(one.appendAndRead(session, messageText('late')))).toBe('session_promoted')
      expect(await reasonOf(one.clear(session))).toBe('session_promoted')
      expect(await one.read(session)).toEqual(before)
    }
    expect(await store.list(session.owner, { limit: 10 })).toEqual([
      { session_id: session.id, message_count: messages.length },
    ])
  })

  test('is not given to a session without messages, which stays open', async () => {
    const { store } = await start()
    const [unknown, cleared] = [newSession(), newSession()]
    await store.append(cleared, messageText('gone'))
    await store.clear(cleared)
    for (const session of [unknown, cleared]) {
      expect(await store.seal(session, newSeal())).toBeUndefined()
      await store.append(session, messageText('a'))
      expect((await store.read(session)).messages).toHaveLength(1)
    }
  })

  test('is taken back by the call that names its chat, and by no other', async () => {
    const world = await start()
    const { store, peer } = world
    const session = newSession()
    const events = await listen(world, session)
    const [first, second, third] = ['a', 'b', 'c'].map(messageText)
    const position = await store.append(session, first ?? '')
    const seal = newSeal()
    await store.seal(session, seal)
    await store.unseal(session, crypto.randomUUID())
    await store.unseal(newSession(), seal.chatId)
    expect(await reasonOf(store.append(session, messageText('late')))).toBe('session_promoted')
    await peer.unseal(session, seal.chatId)
    await peer.unseal(session, seal.chatId)
    expect(await store.append(session, second ?? '')).toBe(position + 1)
    const { messages } = await peer.appendAndRead(session, third ?? '')
    expect(messages).toEqual([first ?? '', second ?? '', third ?? ''])
    const again = newSeal()
    expect(await store.seal(session, again)).toEqual({ seal: again, messages })
    expect(await events(3)).toHaveLength(3)
  })

  test('that led to a chat is told of once, as the last change', async () => {
    const world = await start()
    const { store, peer } = world
    const session = newSession()
    const events = await listen(world, session)
    const message = messageText('no-space-in-it')
    const position = await store.append(session, message)
    const seal = newSeal()
    const promoted = { chatId: seal.chatId, seq: 3 }
    await store.promoted(session, promoted)
    expect(await store.read(session)).toEqual({ position, messages: [message] })
    await store.seal(session, seal)
    await store.promoted(session, { chatId: crypto.randomUUID(), seq: 3 })
    expect(await store.read(session)).toEqual({ position, messages: [message] })
    await Promise.all([store.promoted(session, promoted), peer.promoted(session, promoted)])
    await store.promoted(session, { ...promoted, seq: 99 })
    await store.unseal(session, seal.chatId)
    for (const one of [store, peer]) {
      expect(await one.read(session)).toEqual({ position: position + 1, messages: [message], promoted })
      expect(await reasonOf(one.append(session, messageText('late')))).toBe('session_promoted')
    }
    expect(await store.seal(session, newSeal())).toEqual({ seal, messages: [message] })
    // Something else on another channel, so that a second telling had its time to come.
    const other = newSession()
    const others = await listen(world, other)
    await store.append(other, message)
    await others(1)
    expect(await events(2)).toEqual([
      sessionEvent(position, message),
      sessionEvent(position + 1, promotedText(promoted)),
    ])
  })

  test('comes between posts: those before it are in what it holds, those after it are refused', async () => {
    const { store, peer } = await start()
    const session = newSession()
    await store.append(session, messageText('first'))
    const posts = Array.from({ length: 100 }, (_, index) => messageText(`message ${index}`))
    const posting = posts.map(async (message, index) => {
      const one = index % 2 === 0 ? store : peer
      const call = index % 3 === 0 ? one.append(session, message) : one.appendAndRead(session, message)
      return { message, refused: await reasonOf(call) }
    })
    const seals = [store.seal(session, newSeal()), peer.seal(session, newSeal())]
    const outcomes = await Promise.all(posting)
    const [one, two] = await Promise.all(seals)
    expect(one).toEqual(two)
    const stored = outcomes.filter(({ refused }) => refused === undefined).map(({ message }) => message)
    expect(new Set(outcomes.map(({ refused }) => refused ?? 'session_promoted'))).toEqual(new Set(['session_promoted']))
    expect(one?.messages.slice(1).toSorted()).toEqual(stored.toSorted())
    expect((await store.read(session)).messages).toEqual(one?.messages ?? [])
  })

  test(
    'ends with its session: the name is free again',
    async () => {
      const world = await start({ ttlSeconds: 1 })
      const { store } = world
      const session = newSession()
      await store.append(session, messageText('a'))
      await store.seal(session, newSeal())
      await until(async () => {
        world.tick()
        return (await store.read(session)).position === 0
      }, 'the session to expire')
      const message = messageText('of a new session')
      expect((await store.appendAndRead(session, message)).messages).toEqual([message])
    },
    LONG_TEST_MS,
  )
}
