import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { MemoryBus } from '../../src/adapters/memory/bus.ts'
import { administer, makeFirstAdmin } from '../../src/admin.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/db/open.ts'
import { NO_LIMITS, testAccounts } from '../support/accounts.ts'
import { testDatabases } from '../support/database.ts'
import { PASSWORD } from '../support/person.ts'

// An embedded database is made from nothing, and hashes are as dear as a server's.
setDefaultTimeout(60_000)

const nobodyToAsk = () => undefined

for (const { kind, open, place } of testDatabases()) {
  const configFor = (database: Config['database'], env: Record<string, string> = {}): Config => ({
    ...readConfig({ ...NO_LIMITS, ...env }),
    database,
  })

  describe(`bun run admin on ${kind}`, () => {
    test('makes an admin on a database that was empty, and tells its password once', async () => {
      const { target, remove } = await place()
      const config = configFor(target)
      const told = await administer(config, ['create', 'root@example.com'], nobodyToAsk)
      expect(told).toStartWith('Made the admin root (root@example.com). Its password, shown this once: ')
      const password = told.split(' ').at(-1) ?? ''
      expect(password).toMatch(/^[\w-]{20}$/)
      expect(await administer(config, ['create', 'two@example.com', 'second'], () => PASSWORD)).toBe(
        'Made the admin second (two@example.com). Its password is the one you gave.',
      )
      await expect(administer(config, ['create', 'ROOT@example.com', 'third'], nobodyToAsk)).rejects.toThrow(
        'Email already registered: nothing was made.',
      )
      const database = await openDatabase(target)
      const accounts = testAccounts(config, database, new MemoryBus())
      for (const [username, by] of [
        ['root', password],
        ['second', PASSWORD],
      ] as const) {
        expect((await accounts.logins.signIn({ username, password: by }, '')).user.role).toBe('admin')
      }
      await database.close()
      await remove()
    })

    test.each([[[]], [['create']], [['remove', 'a@b.co']], [['create', 'a@b.co', 'a', 'b']]])(
      'tells how it is used to %p',
      async (args) => {
        const { target, remove } = await place()
        await expect(administer(configFor(target), args, nobodyToAsk)).rejects.toThrow(
          'Usage: bun run admin create EMAIL',
        )
        await remove()
      },
    )

    test.each([
      ['nobody', undefined, undefined, 'The email cannot be used.'],
      ['a@b.co', 'a b', undefined, 'The username cannot be used.'],
      ['a@b.co', undefined, 'short', 'The password cannot be used.'],
    ])('refuses %p %p %p', async (email, username, password, message) => {
      const { target, remove } = await place()
      const args = ['create', email, ...(username === undefined ? [] : [username])]
      await expect(administer(configFor(target), args, () => password)).rejects.toThrow(message)
      await remove()
    })

    test('says what to do while the server has the embedded database', async () => {
      const database = await open()
      const config = configFor(database.target)
      const run = administer(config, ['create', 'root@example.com'], nobodyToAsk)
      if (kind === 'embedded') await expect(run).rejects.toThrow(/is in use by process \d+\..+ADMIN_EMAIL/)
      else await run
      await database.close()
    })
  })

  test(`the first admin of the environment is made once on ${kind}, and never out of an account that is there`, async () => {
    const database = await open()
    const config = configFor(database.target, { ADMIN_EMAIL: 'Root@example.com', ADMIN_PASSWORD: PASSWORD })
    const accounts = testAccounts(config, database, new MemoryBus())
    const draft = { username: 'eve', email: 'root@example.com', password: 'Battery-Staple-7' }
    const eve = await accounts.register(draft, '')
    expect(await makeFirstAdmin(accounts, config)).toStartWith('made no admin')
    expect((await accounts.find({ kind: 'service' }, eve.id)).role).toBe('user')
    const other = configFor(database.target, {
      ADMIN_EMAIL: 'boss@example.com',
      ADMIN_PASSWORD: PASSWORD,
      ADMIN_USERNAME: 'chief',
    })
    expect(await makeFirstAdmin(accounts, other)).toBe('made the first admin, chief')
    expect(await makeFirstAdmin(accounts, other)).toBeUndefined()
    expect(await makeFirstAdmin(accounts, readConfig({}))).toBeUndefined()
    expect((await accounts.logins.signIn({ username: 'chief', password: PASSWORD }, '')).user.is_admin).toBe(true)
    await database.close()
  })
}
