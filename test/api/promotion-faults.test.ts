import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SignedIn } from '../../src/contract/accounts.ts'
import type { SessionStore } from '../../src/domain/ports.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { refusalOf } from '../support/people.ts'
import { personOf } from '../support/person.ts'
import {
  chatOf,
  conversation,
  type PromotionWorld,
  promote,
  promotionWorlds,
  readChat,
  say,
  watch,
} from '../support/promotion.ts'

setDefaultTimeout(60_000)

const actorOf = (accountId: string) => ({ kind: 'account', accountId, role: 'user', loginId: null }) as const

const unavailable = { status: 503, reason: 'storage_unavailable' }

for (const { name, kind, open } of promotionWorlds) {
  describe(`a promotion that fails on its way, on ${name}`, () => {
    let world: PromotionWorld
    beforeAll(async () => {
      world = await open()
    })
    afterAll(() => world.close())

    const session = (id: string) => ({ owner: '', id })
    const chatsNamed = async (title: string) => {
      const [row] = await world.database.sql<
        { count: number }[]
      >`SELECT count(*)::int FROM chats WHERE title = ${title}`
      return row?.count
    }

    type Sealing = ReturnType<SessionStore['seal']>

    /** The next seal goes this way, on this instance. */
    const sealOnce = (act: (seal: () => Sealing) => Sealing) => {
      const { sessions } = world.stores
      const usual = sessions.seal.bind(sessions)
      sessions.seal = (...given) => {
        sessions.seal = usual
        return act(() => usual(...given))
      }
    }

    /** So many times this instance tells nobody. */
    const tellNobody = (times: number) => {
      const { sessions } = world.stores
      const usual = sessions.promoted.bind(sessions)
      let left = times
      sessions.promoted = (...given) => {
        if (left === 0) return usual(...given)
        left -= 1
        return Promise.reject(new Refusal('storage_unavailable'))
      }
    }

    test('when its process died before the chat was there: calling again makes it', async () => {
      const { here, there, stores, ada, bob } = world
      await say(here, 'sealed', 'hello')
      const chatId = Bun.randomUUIDv7()
      await stores.sessions.seal(session('sealed'), { chatId, accountId: ada.user.id })
      expect(await refusalOf(await say(there, 'sealed', 'late'))).toEqual({ status: 409, reason: 'session_promoted' })
      expect(await refusalOf(await promote(there, bob, 'sealed'))).toEqual({ status: 409, reason: 'session_promoted' })
      const chat = await chatOf(await promote(there, ada, 'sealed'), 201)
      expect(chat.id).toBe(chatId)
      expect((await readChat(ada, chatId)).messages).toMatchObject([{ content: 'hello' }])
    })

    test('when nobody could be told: calling again tells them, with what they have not seen', async () => {
      const { here, there, ada } = world
      await say(here, 'untold', 'hello')
      const socket = watch(there, 'untold')
      await socket.next()
      // It is tried once more.
      tellNobody(2)
      expect(await refusalOf(await promote(here, ada, 'untold'))).toEqual(unavailable)
      const [{ id } = { id: '' }] = (await here.chats.chats.list(actorOf(ada.user.id), { skip: 0, limit: 1 })).items
      await ada.send(`/api/chats/${id}/messages`, { content: 'goes on' })
      const chat = await chatOf(await promote(there, ada, 'untold'), 200)
      expect(chat).toMatchObject({ id, last_seq: 4 })
      expect(await socket.next()).toEqual({ type: 'session.promoted', session_id: 'untold', chat_id: id, seq: 3 })
      await socket.close()
    })

    test('when a message is in another chat already: nothing is written, and the session goes on', async () => {
      const { here, there, database, ada } = world
      await say(here, 'copied', 'one')
      await say(here, 'copied', 'two')
      const [, second] = await conversation(here, 'copied')
      const taken = await chatOf(await ada.send('/api/chats', { title: 'Another' }), 201)
      await database.sql`
        INSERT INTO messages (id, chat_id, branch_id, position, seq, sender_type, content)
        VALUES (${second?.id ?? ''}, ${taken.id}, ${taken.id}, 1, 3, 'user', 'there before')`
      const socket = watch(there, 'copied')
      await socket.next()
      const refused = await promote(here, ada, 'copied', { title: 'copied' })
      expect(await refusalOf(refused)).toEqual({ status: 409, reason: 'message_exists' })
      expect(await chatsNamed('copied')).toBe(0)
      expect((await say(there, 'copied', 'three')).status).toBe(201)
      expect(await socket.next()).toMatchObject({ type: 'message.created', message: { content: 'three' } })
      await socket.close()
    })

    test.each([
      ['half', '{"id":"1","role":"user"}'],
      ['no-json', 'hello'],
    ])('when a message cannot be read (%s): nothing is written, and the session goes on', async (name, text) => {
      const { here, there, stores, ada } = world
      await say(here, name, 'hello')
      await stores.sessions.append(session(name), text)
      const refused = await promote(here, ada, name, { title: name })
      expect(await refusalOf(refused)).toEqual({ status: 409, reason: 'session_unreadable' })
      expect(await chatsNamed(name)).toBe(0)
      expect((await say(there, name, 'still open')).status).toBe(201)
      await there.call(`/v1/chat/sessions/${name}`, { method: 'DELETE' })
      await say(there, name, 'anew')
      await chatOf(await promote(there, ada, name), 201)
    })

    test('when its seal came too late: the session goes on', async () => {
      const { here, there, ada } = world
      await say(here, 'late', 'hello')
      sealOnce(async (seal) => {
        await seal()
        throw new Refusal('storage_unavailable')
      })
      expect(await refusalOf(await promote(here, ada, 'late'))).toEqual(unavailable)
      expect((await say(there, 'late', 'still open')).status).toBe(201)
      await chatOf(await promote(there, ada, 'late'), 201)
    })

    test('when the account is signed out meanwhile: nothing is sealed', async () => {
      const { here, there, bob } = world
      const path = '/api/auth/login'
      const credentials = { username: bob.user.username, password: bob.password }
      const again = personOf(here, SignedIn.parse(await (await here.post(path, credentials)).json()))
      await say(here, 'out', 'hello')
      // As where word of it has not come yet.
      await world.database.sql`UPDATE logins SET revoked_at = now() WHERE user_id = ${bob.user.id}`
      expect(await refusalOf(await promote(here, again, 'out'))).toEqual({ status: 401, reason: 'token_invalid' })
      expect((await say(there, 'out', 'still open')).status).toBe(201)
    })

    test('when the database is away: nothing is sealed', async () => {
      const { here, there, database, ada } = world
      await say(here, 'alone', 'hello')
      const { patiently } = database
      database.patiently = () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
      expect(await refusalOf(await promote(here, ada, 'alone'))).toEqual(unavailable)
      expect((await say(there, 'alone', 'still open')).status).toBe(201)
      database.patiently = patiently
      await chatOf(await promote(here, ada, 'alone'), 201)
    })

    // The embedded one is in this process.
    const cut = async () => {
      const { here, there, database, ada } = world
      await say(here, 'cut', 'hello')
      sealOnce(async (seal) => {
        const sealed = await seal()
        await database.sql`
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND state = 'idle in transaction'`
        return sealed
      })
      expect(await refusalOf(await promote(here, ada, 'cut'))).toEqual(unavailable)
      expect((await say(there, 'cut', 'still open')).status).toBe(201)
      const chat = await chatOf(await promote(there, ada, 'cut', { title: 'cut' }), 201)
      expect((await readChat(ada, chat.id)).messages).toHaveLength(2)
      expect(await chatsNamed('cut')).toBe(1)
    }
    if (kind === 'postgres') test('when the database hangs up between seal and chat: the session goes on', cut)
  })
}
