import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type OpenedDatabase, testDatabases } from '../../support/database.ts'
import { PASSWORD } from '../../support/person.ts'
import { actorOf, newcomer, openWorld, reasonOf, type World } from './world.ts'

setDefaultTimeout(60_000)

const service = { kind: 'service' as const }

for (const { kind, open } of testDatabases()) {
  describe(`accounts on ${kind}`, () => {
    let database: OpenedDatabase
    let world: World
    beforeAll(async () => {
      database = await open()
      world = await openWorld(database)
    })
    afterAll(() => database.close())

    const register = (draft: ReturnType<typeof newcomer>) => world.accounts.register(draft, '')
    const signIn = (username: string, password = PASSWORD) => world.accounts.logins.signIn({ username, password }, '')

    test('an email and a username are taken in any letter case', async () => {
      const draft = newcomer('Case')
      await register(draft)
      const shouted = draft.email.toUpperCase()
      expect(await reasonOf(register({ ...newcomer(), email: shouted }))).toBe('email_taken')
      expect(await reasonOf(register({ ...newcomer(), username: draft.username.toLowerCase() }))).toBe(
        'username_registered',
      )
      expect(
        await reasonOf(world.accounts.register({ ...newcomer(), username: draft.username }, '', 'username_taken')),
      ).toBe('username_taken')
      expect((await signIn(shouted)).user.username).toBe(draft.username)
      expect((await signIn(` ${draft.username.toUpperCase()} `)).user.email).toBe(draft.email)
    })

    test('of twenty who register one email at once, one gets it', async () => {
      const { email } = newcomer()
      const reasons = await Promise.all(Array.from({ length: 20 }, () => reasonOf(register({ ...newcomer(), email }))))
      expect(reasons.sort()).toEqual(['done', ...Array(19).fill('email_taken')])
    })

    test('of ten who register one username at once, one gets it', async () => {
      const { username } = newcomer()
      const reasons = await Promise.all(
        Array.from({ length: 10 }, () => reasonOf(register({ ...newcomer(), username }))),
      )
      expect(reasons.sort()).toEqual(['done', ...Array(9).fill('username_registered')])
    })

    test('an unknown name, a wrong password and an account without one are the same refusal after the same work', async () => {
      const draft = newcomer()
      await register(draft)
      const external = newcomer('external')
      await database.sql`INSERT INTO users (id, email, username, issuer, subject)
        VALUES (${Bun.randomUUIDv7()}, ${external.email}, ${external.username}, 'issuer', ${external.username})`
      for (const name of [
        draft.username,
        draft.email,
        'nobody',
        'nobody@example.com',
        external.username,
        "' OR 1=1 --",
      ]) {
        const before = world.hasher.verified
        expect(await reasonOf(signIn(name, 'Wrong-Horse-9'))).toBe('credentials_wrong')
        expect(world.hasher.verified - before).toBe(1)
      }
    })

    test('a password change wants the old one, and ends every other login', async () => {
      const draft = newcomer()
      await register(draft)
      const [here, there] = [await signIn(draft.username), await signIn(draft.username)]
      const actor = await actorOf(world, here.access_token)
      const change = (current_password: string) =>
        world.accounts.changePassword(actor, { current_password, new_password: 'Battery-Staple-7' })
      expect(await reasonOf(change('Wrong-Horse-9'))).toBe('password_wrong')
      await change(PASSWORD)
      expect(await actorOf(world, here.access_token)).toEqual(actor)
      expect(await reasonOf(actorOf(world, there.access_token))).toBe('token_invalid')
      expect(await reasonOf(world.accounts.logins.refresh(there.refresh_token, ''))).toBe('token_invalid')
      expect(await reasonOf(signIn(draft.username))).toBe('credentials_wrong')
      expect((await signIn(draft.username, 'Battery-Staple-7')).user.username).toBe(draft.username)
    })

    test('a password is not changed by a login that has ended, though this instance knew its token', async () => {
      const draft = newcomer()
      const { id } = await register(draft)
      const actor = await actorOf(world, (await signIn(draft.username)).access_token)
      await database.sql`UPDATE logins SET revoked_at = now() WHERE user_id = ${id}`
      const change = world.accounts.changePassword(actor, {
        current_password: PASSWORD,
        new_password: 'Battery-Staple-7',
      })
      expect(await reasonOf(change)).toBe('token_invalid')
      expect((await signIn(draft.username)).user.id).toBe(id)
    })

    test('no login by the old password outlives a password change that it races with', async () => {
      const draft = newcomer()
      await register(draft)
      const actor = await actorOf(world, (await signIn(draft.username)).access_token)
      const racing = Array.from({ length: 8 }, () => signIn(draft.username).catch(() => undefined))
      await world.accounts.changePassword(actor, { current_password: PASSWORD, new_password: 'Battery-Staple-7' })
      for (const signedIn of await Promise.all(racing)) {
        if (signedIn) expect(await reasonOf(actorOf(world, signedIn.access_token))).toBe('token_invalid')
      }
    })

    test('a deactivated account is nobody until an admin brings it back, and then signs in anew', async () => {
      const draft = newcomer()
      await register(draft)
      const { access_token, refresh_token, user } = await signIn(draft.username)
      const actor = await actorOf(world, access_token)
      expect(await reasonOf(world.accounts.deactivate(actor, undefined))).toBe('password_wrong')
      expect(await reasonOf(world.accounts.deactivate(actor, 'Wrong-Horse-9'))).toBe('password_wrong')
      await world.accounts.deactivate(actor, PASSWORD)
      expect(await reasonOf(actorOf(world, access_token))).toBe('token_invalid')
      expect(await reasonOf(world.accounts.logins.refresh(refresh_token, ''))).toBe('token_invalid')
      expect(await reasonOf(signIn(draft.username))).toBe('credentials_wrong')
      await world.accounts.amend(service, user.id, { is_active: true })
      expect(await reasonOf(actorOf(world, access_token))).toBe('token_invalid')
      expect((await signIn(draft.username)).user.is_active).toBe(true)
    })

    test('a role counts at once, and what an admin was allowed is no longer written once it is lost', async () => {
      await world.accounts.createAdmin(newcomer('boss'))
      const other = await world.accounts.createAdmin(newcomer('other'))
      const admin = await actorOf(world, (await signIn(other.username)).access_token)
      const draft = newcomer()
      const { id } = await register(draft)
      const { access_token } = await signIn(draft.username)
      expect(await actorOf(world, access_token)).toMatchObject({ role: 'user' })
      await world.accounts.amend(admin, id, { role: 'agent' })
      expect(await actorOf(world, access_token)).toMatchObject({ role: 'agent' })
      await world.accounts.amend(service, other.id, { role: 'user' })
      expect(await reasonOf(world.accounts.amend(admin, id, { role: 'admin' }))).toBe('token_invalid')
      expect((await world.accounts.find(service, id)).role).toBe('agent')
    })

    test('who is no admin may not look at or change others', async () => {
      const draft = newcomer()
      await register(draft)
      const { access_token, user } = await signIn(draft.username)
      const actor = await actorOf(world, access_token)
      expect(await reasonOf(world.accounts.list(actor, { limit: 10 }))).toBe('forbidden')
      expect(await reasonOf(world.accounts.find(actor, user.id))).toBe('forbidden')
      expect(await reasonOf(world.accounts.amend(actor, user.id, { role: 'admin' }))).toBe('forbidden')
      expect(await reasonOf(world.accounts.find(service, Bun.randomUUIDv7()))).toBe('account_missing')
      expect(await reasonOf(world.accounts.amend(service, Bun.randomUUIDv7(), { role: 'user' }))).toBe(
        'account_missing',
      )
    })

    test('pages of accounts, newest first, hold each once; a search takes its text as it is', async () => {
      const name = `page-${crypto.randomUUID().slice(0, 8)}`
      const made: string[] = []
      for (let index = 0; index < 5; index += 1) made.push((await register(newcomer(name))).id)
      const seen: string[] = []
      let after: string | undefined
      do {
        const page = await world.accounts.list(service, {
          limit: 2,
          search: name.toUpperCase(),
          ...(after && { after }),
        })
        seen.push(...page.items.map(({ id }) => id))
        after = page.next ?? undefined
      } while (after !== undefined)
      expect(seen).toEqual(made.reverse())
      for (const search of ['%', '_age', "'", '\\']) {
        const { items } = await world.accounts.list(service, { limit: 10, search: `${search}${name}` })
        expect(items).toEqual([])
      }
    })
  })

  describe(`admins on ${kind}`, () => {
    let database: OpenedDatabase
    let world: World
    beforeAll(async () => {
      database = await open()
      world = await openWorld(database)
    })
    afterAll(() => database.close())

    test('the first is made once, by however many instances; the last stays one', async () => {
      const made = await Promise.all([1, 2, 3].map(() => world.accounts.createFirstAdmin(newcomer('first'))))
      const [admin] = made.filter((account) => account !== undefined)
      expect(made.filter((account) => account !== undefined)).toHaveLength(1)
      if (admin === undefined) throw new Error('No admin was made.')
      expect(await world.accounts.createFirstAdmin(newcomer('second'))).toBeUndefined()
      const actor = await actorOf(
        world,
        (await world.accounts.logins.signIn({ username: admin.username, password: PASSWORD }, '')).access_token,
      )
      expect(await reasonOf(world.accounts.amend(actor, admin.id, { role: 'user' }))).toBe('last_admin')
      expect(await reasonOf(world.accounts.deactivate(actor, PASSWORD))).toBe('last_admin')
      const other = await world.accounts.createAdmin(newcomer('other'))
      const both = [admin.id, other.id].map((id) => reasonOf(world.accounts.amend(service, id, { is_active: false })))
      expect((await Promise.all(both)).sort()).toEqual(['done', 'last_admin'])
    })
  })
}
