import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type OpenedDatabase, testDatabases } from '../../support/database.ts'
import { PASSWORD } from '../../support/person.ts'
import { actorOf, newcomer, openWorld, reasonOf, type World } from './world.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`logins on ${kind}`, () => {
    let database: OpenedDatabase
    let world: World
    beforeAll(async () => {
      database = await open()
      world = await openWorld(database)
    })
    afterAll(() => database.close())

    const refresh = (token: string, by = world) => by.accounts.logins.refresh(token, '')
    const somebody = () => world.accounts.registerAndSignIn(newcomer(), '')

    test('a refresh gives new tokens of the same login and account', async () => {
      const first = await somebody()
      const second = await refresh(first.refresh_token)
      expect(second.refresh_token).not.toBe(first.refresh_token)
      expect(await actorOf(world, second.access_token)).toEqual(await actorOf(world, first.access_token))
      const third = await refresh(second.refresh_token)
      expect(await actorOf(world, third.access_token)).toMatchObject({ accountId: first.user.id, role: 'user' })
    })

    test('a refresh token that comes twice ends its login, but no other of the account', async () => {
      const draft = newcomer()
      const stolen = await world.accounts.registerAndSignIn(draft, '')
      const other = await world.accounts.logins.signIn({ username: draft.username, password: PASSWORD }, '')
      const next = await refresh(stolen.refresh_token)
      expect(await actorOf(world, next.access_token)).toMatchObject({ kind: 'account' })
      expect(await reasonOf(refresh(stolen.refresh_token))).toBe('token_invalid')
      expect(await reasonOf(refresh(next.refresh_token))).toBe('token_invalid')
      for (const token of [stolen.access_token, next.access_token]) {
        expect(await reasonOf(actorOf(world, token))).toBe('token_invalid')
      }
      expect(await actorOf(world, other.access_token)).toMatchObject({ accountId: stolen.user.id })
      await refresh(other.refresh_token)
    })

    test('refreshes that come at once share one answer, and the login goes on', async () => {
      const { refresh_token } = await somebody()
      const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refresh_token)))
      const tokens = new Set(answers.map((answer) => answer.refresh_token))
      expect(tokens.size).toBe(1)
      await refresh([...tokens][0] ?? '')
    })

    test('of refreshes that come at once on two instances exactly one gets new tokens', async () => {
      const another = await openWorld(database)
      for (let round = 0; round < 10; round += 1) {
        const { refresh_token } = await somebody()
        const settled = await Promise.allSettled([refresh(refresh_token), refresh(refresh_token, another)])
        const got = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
        expect(got).toHaveLength(1)
      }
    })

    test('a refresh that another instance overtook is refused without ending the login', async () => {
      const { refresh_token, access_token } = await somebody()
      const hash = new Bun.CryptoHasher('sha256').update(refresh_token).digest('hex')
      // Used after the call below began, as far as the database can tell.
      await database.sql`UPDATE refresh_tokens SET used_at = now() + interval '1 minute' WHERE hash = ${hash}`
      expect(await reasonOf(refresh(refresh_token))).toBe('token_invalid')
      expect(await actorOf(world, access_token)).toMatchObject({ kind: 'account' })
    })

    test('what is no refresh token, has expired or belongs to nobody active is refused', async () => {
      const { refresh_token, access_token, user } = await somebody()
      for (const token of ['', 'nothing', access_token, `${refresh_token}x`, '\0', "'; DROP TABLE users"]) {
        expect(await reasonOf(refresh(token))).toBe('token_invalid')
      }
      await database.sql`UPDATE refresh_tokens SET expires_at = now() - interval '1 second'
        WHERE login_id IN (SELECT id FROM logins WHERE user_id = ${user.id})`
      expect(await reasonOf(refresh(refresh_token))).toBe('token_invalid')
    })

    test('a refresh token is kept nowhere, nor is a password', async () => {
      const { refresh_token } = await somebody()
      const [row] = await database.sql<{ all: string }[]>`
        SELECT (SELECT string_agg(t::text, '') FROM refresh_tokens t) || (SELECT string_agg(u::text, '') FROM users u) AS all`
      expect(row?.all).toContain(new Bun.CryptoHasher('sha256').update(refresh_token).digest('hex'))
      expect(row?.all).not.toContain(refresh_token)
      expect(row?.all).not.toContain(PASSWORD)
    })

    test('signing out ends this login, and everywhere ends all', async () => {
      const draft = newcomer()
      const one = await world.accounts.registerAndSignIn(draft, '')
      const signIn = () => world.accounts.logins.signIn({ username: draft.email, password: PASSWORD }, '')
      const [two, three] = [await signIn(), await signIn()]
      await world.accounts.logins.signOut(await actorOf(world, one.access_token))
      expect(await reasonOf(actorOf(world, one.access_token))).toBe('token_invalid')
      expect(await reasonOf(refresh(one.refresh_token))).toBe('token_invalid')
      await world.accounts.logins.signOutEverywhere(await actorOf(world, two.access_token))
      for (const { access_token, refresh_token } of [two, three]) {
        expect(await reasonOf(actorOf(world, access_token))).toBe('token_invalid')
        expect(await reasonOf(refresh(refresh_token))).toBe('token_invalid')
      }
    })

    test('expired logins and tokens go when their account comes again', async () => {
      const draft = newcomer()
      const { user, refresh_token } = await world.accounts.registerAndSignIn(draft, '')
      const { refresh_token: newest } = await refresh(refresh_token)
      await database.sql`UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE used_at IS NOT NULL
        AND login_id IN (SELECT id FROM logins WHERE user_id = ${user.id})`
      await refresh(newest)
      const tokens =
        await database.sql`SELECT FROM refresh_tokens JOIN logins ON logins.id = login_id WHERE user_id = ${user.id}`
      expect(tokens).toHaveLength(2)
      await database.sql`UPDATE logins SET expires_at = now() - interval '1 second' WHERE user_id = ${user.id}`
      await world.accounts.logins.signIn({ username: draft.username, password: PASSWORD }, '')
      expect(await database.sql`SELECT FROM logins WHERE user_id = ${user.id}`).toHaveLength(1)
    })
  })
}
