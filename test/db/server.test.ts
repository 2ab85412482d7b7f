import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { createServer } from 'node:net'
import { deadlines } from '../../src/db/deadline.ts'
import { type Database, openDatabase } from '../../src/db/open.ts'
import { canStartPostgres, freePort, type PrivatePostgres, startPostgres } from '../support/postgres.ts'

const PASSWORD = 'a secret, 100%'

function open(url: string, poolSize = 3): Promise<Database> {
  return openDatabase({ kind: 'postgres', url, poolSize })
}

async function faultOf(url: string): Promise<{ kind: unknown; message: string }> {
  const fault = await open(url).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(fault instanceof Error && 'kind' in fault)) throw new Error(`not refused: ${fault}`)
  expect(fault.message).not.toContain('secret')
  expect(fault.message).not.toContain('\n')
  return { kind: fault.kind, message: fault.message }
}

describe('a server that cannot be used is named in one line, without the password', () => {
  test('nothing listens', async () => {
    const port = await freePort()
    const { kind, message } = await faultOf(`postgres://ann:secret@127.0.0.1:${port}/chat`)
    expect(kind).toBe('unreachable')
    expect(message).toContain(`Postgres at 127.0.0.1:${port}/chat does not answer`)
    expect(message).toContain('DATABASE_URL')
  })

  test('no such host', async () => {
    const { kind, message } = await faultOf('postgres://ann:secret@nowhere.invalid/chat')
    expect(kind).toBe('unreachable')
    expect(message).toContain('nowhere.invalid:5432/chat')
  })

  test('something else listens, which hangs up', async () => {
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    expect((await faultOf(`postgres://ann:secret@127.0.0.1:${port}/chat`)).kind).toBe('unreachable')
    await new Promise((resolve) => server.close(resolve))
  })

  test('the address is none', async () => {
    expect((await faultOf('postgres://ann:secret@host:port/chat')).kind).toBe('address')
    expect((await faultOf('mysql://ann:secret@host/chat')).kind).toBe('address')
    expect((await faultOf('postgres://ann:secret@host/chat?sslmode=maybe')).kind).toBe('address')
  })
})

test('more work than a database could ever get done is refused at once', async () => {
  const within = deadlines({ unsettledMax: 2 })
  const release = Promise.withResolvers<string>()
  const waiting = [within(() => release.promise), within(() => release.promise)]
  const refused = within(() => release.promise)
  expect(refused).rejects.toMatchObject({ reason: 'storage_unavailable' })
  await refused.catch(() => {})
  release.resolve('done')
  expect(await Promise.all(waiting)).toEqual(['done', 'done'])
  expect(await within(() => release.promise)).toBe('done')
})

describe.skipIf(!canStartPostgres)('a server with passwords', () => {
  let postgres: PrivatePostgres
  beforeAll(async () => {
    postgres = await startPostgres({ auth: 'scram-sha-256', password: PASSWORD })
  })
  afterAll(() => postgres.remove())

  const as = (password: string, name = 'postgres') =>
    `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${postgres.port}/${name}`

  test('lets in who knows it, and describes itself without it', async () => {
    const database = await open(as(PASSWORD))
    await database.check()
    expect(database.description).toBe(`Postgres at 127.0.0.1:${postgres.port}/postgres`)
    await database.close()
  })

  test('refuses a wrong one, and a database that is not there', async () => {
    expect(await faultOf(as('secret'))).toMatchObject({ kind: 'login' })
    expect(await faultOf(as(PASSWORD, 'nothing'))).toMatchObject({ kind: 'missing' })
  })

  test('says so when it has no TLS', async () => {
    const fault = await faultOf(`${as(PASSWORD)}?sslmode=require`)
    expect(fault.message).toContain('over TLS: the server does not offer it')
    const database = await open(`${as(PASSWORD)}?sslmode=prefer`)
    await database.close()
  })
})

describe.skipIf(!canStartPostgres)('a server that fails', () => {
  let postgres: PrivatePostgres
  let database: Database
  beforeAll(async () => {
    postgres = await startPostgres()
    database = await open(postgres.url)
    await database.sql`CREATE TABLE kept (number int)`
  })
  afterEach(async () => {
    await database.sql`TRUNCATE kept`
  })
  afterAll(async () => {
    await database.close()
    await postgres.remove()
  })

  /** Resolves once the server has so many of our statements under way. */
  async function underWay(count: number): Promise<void> {
    const running = `SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)%' AND pid <> pg_backend_pid()`
    while (Number(postgres.psql(running)) < count) await new Promise(setImmediate)
  }

  test('refuses what was under way when it was killed, and works again once it is back', async () => {
    const asked = [1, 2, 3].map(() => database.within(() => database.sql`SELECT pg_sleep(3)`))
    const told = Promise.allSettled(asked)
    await underWay(3)
    await postgres.kill()
    for (const one of await told) {
      expect(one).toMatchObject({ status: 'rejected', reason: { reason: 'storage_unavailable' } })
    }
    expect(database.check()).rejects.toMatchObject({ reason: 'storage_unavailable' })
    await database.check().catch(() => {})
    await postgres.start()
    await database.check()
  })

  test('a retry in the instant of the loss is not taken for done', async () => {
    const insert = () => database.within(() => database.sql`INSERT INTO kept SELECT 1 FROM pg_sleep(3)`)
    const asked = [1, 2, 3].map(() =>
      insert().catch(() => database.within(() => database.sql`INSERT INTO kept VALUES (2)`)),
    )
    const told = Promise.allSettled(asked)
    await underWay(3)
    await postgres.kill()
    const done = (await told).filter(({ status }) => status === 'fulfilled').length
    await postgres.start()
    const [row] = await database.within(() => database.sql`SELECT count(*)::int AS count FROM kept`)
    expect(row?.['count']).toBe(done)
  })

  test('a transaction ends with its connection: nothing of it runs afterwards', async () => {
    const inserted = Promise.withResolvers<void>()
    const lost = Promise.withResolvers<void>()
    const late = Promise.withResolvers<unknown>()
    const transaction = database.sql.begin(async (handle) => {
      await handle`INSERT INTO kept VALUES (1)`
      inserted.resolve()
      await lost.promise
      const next = (async () => handle`INSERT INTO kept VALUES (2)`)()
      late.resolve(
        next.then(
          () => 'ran',
          (fault: unknown) => fault,
        ),
      )
      return next
    })
    const told = transaction.catch((fault: unknown) => fault)
    await inserted.promise
    await postgres.kill()
    expect(await told).toMatchObject({ code: 'CONNECTION_CLOSED' })
    await postgres.start()
    await database.check()
    lost.resolve()
    expect(await late.promise).toMatchObject({ code: 'CONNECTION_CLOSED' })
    const [row] = await database.sql`SELECT count(*)::int AS count FROM kept`
    expect(row?.['count']).toBe(0)
  })

  test('a caller does not wait for one that hangs, and a thawed one serves on', async () => {
    const within = deadlines({ deadlineMs: 50 })
    postgres.freeze()
    const asked = [1, 2, 3, 4, 5].map((number) => within(() => database.sql`SELECT ${number}`))
    for (const one of await Promise.allSettled(asked)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { reason: 'storage_unavailable' } })
    }
    postgres.thaw()
    await database.check()
  })
})
