import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SessionServerFrame } from '../../src/contract/sessions.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { hasRedisServer, type PrivateRedis, randomPrefix, startRedis, testRedisUrl } from '../support/redis.ts'
import { TestSocket } from '../support/socket.ts'
import { redisStores } from '../support/stores.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const base = '/v1/chat/sessions'
const message = (content: string) => ({ role: 'user', content })

describe.skipIf(!testRedisUrl)('two instances on one Redis', () => {
  let instances: [TestServer, TestServer]
  beforeAll(async () => {
    const prefix = randomPrefix()
    const url = testRedisUrl ?? ''
    instances = [
      await startServer({ stores: await redisStores(url, prefix) }),
      await startServer({ stores: await redisStores(url, prefix) }),
    ]
  })
  afterAll(() => Promise.all(instances.map((instance) => instance.close())))

  test('see and hear of each other’s messages, in one order', async () => {
    const [here, there] = instances
    const sockets = instances.map((instance) => new TestSocket(`${instance.ws}${base}/shared/ws`))
    await Promise.all(sockets.map((socket) => socket.next()))
    const total = 60
    await Promise.all(
      Array.from({ length: total }, (_, number) =>
        (number % 2 === 0 ? here : there).post(`${base}/shared/messages`, message(String(number))),
      ),
    )
    const [one, two] = await Promise.all(sockets.map((socket) => socket.take(total)))
    expect(one).toEqual(two ?? [])
    const contents = (one ?? []).map((frame) => {
      const parsed = SessionServerFrame.parse(frame)
      return parsed.type === 'message.created' ? parsed.message.content : parsed.type
    })
    const read = await Promise.all(
      instances.map(async (instance) => (await instance.call(`${base}/shared/messages`)).json()),
    )
    expect(read[0]).toEqual(read[1])
    expect(read[0]).toMatchObject({ messages: contents.map((content) => ({ content })) })
    expect(await (await there.call(`${base}?limit=1`)).json()).toEqual([{ session_id: 'shared', message_count: total }])
    await here.call(`${base}/shared`, { method: 'DELETE' })
    for (const socket of sockets) {
      expect(await socket.next()).toEqual({ type: 'session.cleared', session_id: 'shared' })
      await socket.close()
    }
  })
})

describe.skipIf(!(testRedisUrl && hasRedisServer))('while Redis is away', () => {
  const unavailable = {
    detail: 'Chat storage backend is unavailable. Please try again later.',
    reason: 'storage_unavailable',
  }
  let redis: PrivateRedis
  let server: TestServer
  beforeAll(async () => {
    redis = await startRedis()
    server = await startServer({ stores: await redisStores(redis.url, randomPrefix()) })
  })
  afterAll(async () => {
    await server.close()
    await redis.stop()
  })

  test('calls answer 503, sockets close with 1011, and all works again once it is back', async () => {
    const socket = new TestSocket(`${server.ws}${base}/gone/ws`)
    await socket.next()
    await redis.kill()
    expect(await socket.closed).toEqual({ code: 1011, reason: unavailable.detail })

    const calls = [
      () => server.call(base),
      () => server.call(`${base}/gone/messages`),
      () => server.post(`${base}/gone/messages`, message('lost')),
      () => server.call(`${base}/gone`, { method: 'DELETE' }),
    ]
    for (const call of calls) {
      const response = await call()
      expect(response.status).toBe(503)
      expect(await response.json()).toEqual(unavailable)
    }
    const late = new TestSocket(`${server.ws}${base}/gone/ws`)
    expect(await late.closed).toEqual({ code: 1011, reason: unavailable.detail })
    const health = await server.call('/api/v1/health')
    expect(health.status).toBe(503)
    expect(await health.json()).toMatchObject({ status: 'unhealthy', checks: { redis: 'down' } })
    expect((await server.call('/health/ready')).status).toBe(503)
    expect((await server.call('/health/live')).status).toBe(200)

    await redis.restart()
    await until(async () => (await server.call('/health/ready')).status === 200, 'the server to be ready again')
    const again = new TestSocket(`${server.ws}${base}/gone/ws`)
    expect(await again.next()).toEqual({ type: 'session.sync', session: { session_id: 'gone', messages: [] } })
    // Each once: the subscription of the time before must not have come back beside the new one.
    for (const content of ['back', 'still here', 'and again']) {
      expect((await server.post(`${base}/gone/messages`, message(content))).status).toBe(201)
      expect(await again.next()).toMatchObject({ type: 'message.created', message: { content } })
    }
    await again.close()
  })

  test('a Redis that hangs is a 503 as well, not a hanging call', async () => {
    redis.freeze()
    const response = await server.post(`${base}/hung/messages`, message('hello'))
    expect(response.status).toBe(503)
    redis.thaw()
    await until(async () => (await server.call('/health/ready')).status === 200, 'the server to be ready again')
  })
})
