import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { startServer, type TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { LiveClient } from '../support/live.ts'
import { signUp } from '../support/person.ts'
import { hasRedisServer, type PrivateRedis, startRedis } from '../support/redis.ts'
import { redisStores } from '../support/stores.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe.skipIf(!hasRedisServer)(`two instances on one Redis and ${kind}`, () => {
    let database: OpenedDatabase
    let redis: PrivateRedis
    let one: TestServer
    let two: TestServer
    beforeAll(async () => {
      redis = await startRedis()
      database = await open()
      const start = async () => startServer({ database, stores: await redisStores(redis.url, 'auth:') })
      ;[one, two] = [await start(), await start()]
    })
    afterAll(async () => {
      await Promise.all([one.close(), two.close()])
      await database.close()
      await redis.stop()
    })

    const statusAt = async (server: TestServer, headers: Record<string, string>) =>
      (await server.call('/api/auth/me', { headers })).status
    const remembers = (server: TestServer, token: string) => server.accounts.authenticator.known(token) !== undefined

    test('take each other’s tokens, and what one revokes the other forgets', async () => {
      const person = await signUp(one)
      expect(await statusAt(two, person.headers)).toBe(200)
      expect(remembers(two, person.access_token)).toBe(true)
      await person.call('/api/auth/logout', { method: 'POST' })
      expect(await statusAt(one, person.headers)).toBe(401)
      await until(() => !remembers(two, person.access_token), 'the other instance to hear of it')
      expect(await statusAt(two, person.headers)).toBe(401)
    })

    test('remember nothing while Redis is away, so that a revocation counts at once, and again when it is back', async () => {
      const [person, other] = [await signUp(one), await signUp(one)]
      for (const { headers } of [person, other]) expect(await statusAt(two, headers)).toBe(200)
      await redis.kill()
      await until(() => !(one.accounts.revocations.heard || two.accounts.revocations.heard), 'both to miss it')
      expect(await statusAt(two, person.headers)).toBe(200)
      await person.call('/api/auth/logout', { method: 'POST' })
      expect(await statusAt(two, person.headers)).toBe(401)
      expect(remembers(two, other.access_token)).toBe(false)
      await redis.restart()
      await until(() => one.accounts.revocations.heard && two.accounts.revocations.heard, 'both to hear again')
      expect(await statusAt(two, other.headers)).toBe(200)
      expect(remembers(two, other.access_token)).toBe(true)
      await other.call('/api/auth/logout-all', { method: 'POST' })
      await until(() => !remembers(two, other.access_token), 'the other instance to hear of it')
    })

    test('close the sockets of what one revokes, also while Redis is away', async () => {
      for (const isAway of [false, true]) {
        const person = await signUp(one)
        const clients = await Promise.all([one, two].map((server) => LiveClient.open(server.ws, person)))
        if (isAway) {
          await redis.kill()
          await until(() => !two.accounts.revocations.heard, 'the other instance to miss it')
        }
        await person.call('/api/auth/logout', { method: 'POST' })
        for (const client of clients) expect((await client.socket.closed).code).toBe(4401)
      }
      await redis.restart()
    })
  })
}
