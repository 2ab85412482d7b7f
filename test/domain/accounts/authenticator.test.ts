import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { MemoryBus } from '../../../src/adapters/memory/bus.ts'
import type { Within } from '../../../src/db/deadline.ts'
import type { Database } from '../../../src/db/open.ts'
import type { Revoked } from '../../../src/domain/accounts/revocations.ts'
import { type OpenedDatabase, testDatabases } from '../../support/database.ts'
import { until } from '../../support/wait.ts'
import { SwitchBus } from './switch-bus.ts'
import { actorOf, newcomer, openWorld, reasonOf, type World } from './world.ts'

setDefaultTimeout(60_000)

const KEY = 'the-key-of-a-trusted-back-end-that-is-long'

/** The same database, whose queries are counted, and may be held up before their answer is handed on. */
function watched(database: Database) {
  const seen = { queries: 0, hold: undefined as Promise<void> | undefined }
  const within: Within = async (work) => {
    seen.queries += 1
    const answer = await database.within(work)
    await seen.hold
    return answer
  }
  return { seen, database: { ...database, within } }
}

for (const { kind, open } of testDatabases()) {
  describe(`tokens on ${kind}`, () => {
    let opened: OpenedDatabase
    let seen: ReturnType<typeof watched>['seen']
    let line: SwitchBus
    /** The instance that is asked, and another one. */
    let here: World
    let there: World
    beforeAll(async () => {
      opened = await open()
    })
    beforeEach(async () => {
      const counted = watched(opened)
      seen = counted.seen
      const shared = new MemoryBus()
      line = new SwitchBus(shared)
      here = await openWorld(counted.database, { bus: line, env: { SERVICE_API_KEY: KEY } })
      there = await openWorld(opened, { bus: shared })
    })
    afterAll(() => opened.close())

    const somebody = () => there.accounts.registerAndSignIn(newcomer(), '')
    const queriesOf = async (work: () => Promise<unknown>) => {
      const before = seen.queries
      await work()
      return seen.queries - before
    }

    test('are looked up once', async () => {
      const { access_token } = await somebody()
      expect(here.accounts.authenticator.known(access_token)).toBeUndefined()
      expect(await queriesOf(() => actorOf(here, access_token))).toBe(1)
      const actor = await actorOf(here, access_token)
      expect(here.accounts.authenticator.known(access_token)).toBe(actor)
      expect(await queriesOf(() => actorOf(here, access_token))).toBe(0)
    })

    test('are forgotten at once when another instance signs out or deactivates', async () => {
      const [one, two] = [await somebody(), await somebody()]
      const revoked: Revoked[] = []
      here.accounts.revocations.onRevoked((each) => revoked.push(each))
      for (const { access_token } of [one, two]) await actorOf(here, access_token)
      await there.accounts.logins.signOut(await actorOf(there, one.access_token))
      await there.accounts.amend({ kind: 'service' }, two.user.id, { is_active: false })
      expect(revoked).toEqual([
        { kind: 'login', id: expect.any(String) },
        { kind: 'account', id: two.user.id },
      ])
      for (const { access_token } of [one, two]) {
        expect(here.accounts.authenticator.known(access_token)).toBeUndefined()
        expect(await reasonOf(actorOf(here, access_token))).toBe('token_invalid')
      }
    })

    test('are looked up every time while the bus is away, and once again when it is back', async () => {
      const { access_token } = await somebody()
      await actorOf(here, access_token)
      line.cut = true
      expect(here.accounts.authenticator.known(access_token)).toBeUndefined()
      expect(await queriesOf(() => actorOf(here, access_token))).toBe(1)
      expect(await queriesOf(() => actorOf(here, access_token))).toBe(1)
      await there.accounts.logins.signOut(await actorOf(there, access_token))
      expect(await reasonOf(actorOf(here, access_token))).toBe('token_invalid')
      const { access_token: another } = await somebody()
      line.cut = false
      await until(() => here.accounts.revocations.heard)
      await actorOf(here, another)
      expect(await queriesOf(() => actorOf(here, another))).toBe(0)
    })

    test('that were revoked here while the bus was away are told to the others when it is back', async () => {
      const { access_token } = await somebody()
      await actorOf(there, access_token)
      line.cut = true
      await here.accounts.logins.signOut(await actorOf(here, access_token))
      expect(there.accounts.authenticator.known(access_token)).toBeDefined()
      line.cut = false
      await until(() => there.accounts.authenticator.known(access_token) === undefined)
    })

    test('are not remembered when they are revoked while they are looked up', async () => {
      const { access_token } = await somebody()
      const { promise, resolve } = Promise.withResolvers<void>()
      seen.hold = promise
      const looking = actorOf(here, access_token)
      await until(() => seen.queries === 1)
      await there.accounts.logins.signOut(await actorOf(there, access_token))
      resolve()
      await looking
      expect(here.accounts.authenticator.known(access_token)).toBeUndefined()
      expect(await reasonOf(actorOf(here, access_token))).toBe('token_invalid')
    })

    test('are none of these', async () => {
      const { access_token, refresh_token } = await somebody()
      for (const token of [
        refresh_token,
        '',
        '.',
        '..',
        'a.b.c',
        `${access_token}.`,
        'é'.repeat(20),
        '{}'.repeat(9000),
      ]) {
        expect(await reasonOf(actorOf(here, token))).toBe('token_invalid')
      }
      const nothing = { token: null, apiKey: null, onBehalfOf: null }
      expect(await reasonOf(here.accounts.authenticator.authenticate(nothing))).toBe('unauthenticated')
    })
  })

  describe(`the service key on ${kind}`, () => {
    let database: OpenedDatabase
    let world: World
    beforeAll(async () => {
      database = await open()
      world = await openWorld(database, { env: { SERVICE_API_KEY: KEY } })
    })
    afterAll(() => database.close())

    const present = (shown: { token?: string; apiKey?: string; onBehalfOf?: string }) =>
      world.accounts.authenticator.authenticate({ token: null, apiKey: null, onBehalfOf: null, ...shown })

    test('makes a back end, as a header or as a bearer token', async () => {
      expect(await present({ apiKey: KEY })).toEqual({ kind: 'service' })
      expect(await present({ token: KEY })).toEqual({ kind: 'service' })
      for (const apiKey of ['', KEY.slice(1), `${KEY}x`, KEY.toUpperCase()]) {
        expect(await reasonOf(present({ apiKey }))).toBe('token_invalid')
      }
    })

    test('acts as an account, with that account’s rights and for as long as it is active', async () => {
      const { user } = await world.accounts.registerAndSignIn(newcomer(), '')
      const onBehalfOf = user.id
      const actor = { kind: 'account' as const, accountId: user.id, role: 'user' as const, loginId: null }
      expect(await present({ apiKey: KEY, onBehalfOf })).toEqual(actor)
      await world.accounts.amend({ kind: 'service' }, user.id, { role: 'agent' })
      expect(await present({ apiKey: KEY, onBehalfOf })).toEqual({ ...actor, role: 'agent' })
      await world.accounts.amend({ kind: 'service' }, user.id, { is_active: false })
      for (const id of [onBehalfOf, Bun.randomUUIDv7(), 'nobody', '']) {
        expect(await reasonOf(present({ apiKey: KEY, onBehalfOf: id }))).toBe('account_missing')
      }
    })

    test('is what acting as another account takes; the account’s id alone is no token', async () => {
      const { user, access_token } = await world.accounts.registerAndSignIn(newcomer(), '')
      await present({ apiKey: KEY, onBehalfOf: user.id })
      expect(await reasonOf(present({ token: user.id }))).toBe('token_invalid')
      expect(await reasonOf(present({ token: access_token, onBehalfOf: user.id }))).toBe('forbidden')
      expect(await reasonOf(present({ apiKey: 'another', onBehalfOf: user.id }))).toBe('token_invalid')
    })

    test('is none where it is not set', async () => {
      const without = await openWorld(database)
      const shown = { token: null, apiKey: 'undefined', onBehalfOf: null }
      expect(await reasonOf(without.accounts.authenticator.authenticate(shown))).toBe('token_invalid')
    })
  })
}
