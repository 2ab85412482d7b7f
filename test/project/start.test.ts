import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { removeTemporaryDirectories, temporaryDirectory } from '../support/database.ts'
import { freePort, hasRedisServer, startRedis } from '../support/redis.ts'
import { TestSocket } from '../support/socket.ts'
import { until } from '../support/wait.ts'
import { type FreshCopy, freshCopy } from './fresh-copy.ts'
import { runServer } from './server-process.ts'

setDefaultTimeout(60_000)

let project: FreshCopy
beforeAll(async () => {
  project = await freshCopy()
})
afterAll(() => project.remove())

describe('bun start in a fresh clone', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'installs, makes its secret, serves, and ends well on %s',
    async (signal) => {
      const server = runServer(project.path, ['start'])
      const address = await server.address
      expect((await fetch(`${address}/health/live`)).status).toBe(200)
      expect((await fetch(`${address}/v1/chat/sessions`)).status).toBe(200)
      const { mode } = await stat(join(project.path, '.parley/jwt-secret'))
      expect(mode & 0o777).toBe(0o600)
      server.kill(signal)
      expect(await server.exited).toBe(0)
      await expect(fetch(`${address}/health/live`)).rejects.toThrow()
    },
  )

  test('tells what is wrong with its configuration and fails', async () => {
    const server = runServer(project.path, ['start'], { APP_PORT: 'eighty', REDIS_URL: 'nowhere' })
    expect(await server.exited).toBe(1)
    expect(await server.errors).toMatch(/^parley: APP_PORT: .+\nparley: REDIS_URL: .+$/m)
  })

  test('says what stands in its way, and how to mend it', async () => {
    const first = runServer(project.path, ['start'])
    const { port } = new URL(await first.address)
    const nowhere = await freePort()
    const cases: [Record<string, string>, RegExp][] = [
      [{ APP_PORT: port, DATA_DIR: '.parley-second' }, /^parley: Port \d+ of 127\.0\.0\.1 is taken\. Set APP_PORT/m],
      [{ APP_HOST: '192.0.2.1', DATA_DIR: '.parley-fourth' }, /^parley: Port 0 of 192\.0\.2\.1 cannot be listened on/m],
      [{ DATA_DIR: 'package.json' }, /^parley: package\.json cannot be used.*DATA_DIR/m],
      [{}, /^parley: .*\.parley.* is in use by process \d+\./m],
      [
        { DATABASE_URL: `postgres://ann:hush@127.0.0.1:${nowhere}/x` },
        /^parley: Postgres at 127\.0\.0\.1:\d+\/x does not answer/m,
      ],
      [
        { DATA_DIR: '.parley-third', REDIS_URL: `redis://:hush@127.0.0.1:${nowhere}` },
        /^parley: Redis at 127\.0\.0\.1:\d+ cannot be reached/m,
      ],
    ]
    try {
      for (const [environment, line] of cases) {
        const second = runServer(project.path, ['start'], environment)
        expect(await second.exited).toBe(1)
        const errors = await second.errors
        expect(errors).toMatch(line)
        expect(errors.match(/^parley: /gm)).toHaveLength(1)
        expect(errors).not.toContain('hush')
      }
    } finally {
      first.kill('SIGTERM')
    }
    expect(await first.exited).toBe(0)
  })

  test('closes its sockets with 1012 and finishes what it began when it is told to stop', async () => {
    const server = runServer(project.path, ['start'])
    const address = await server.address
    const socket = new TestSocket(`${address.replace('http', 'ws')}/v1/chat/sessions/stop/ws`)
    await socket.next()
    // A request whose body comes in two parts: the signal falls in between.
    const { hostname, port } = new URL(address)
    const client = connect({ host: hostname, port: Number(port) })
    const answer = new Promise<string>((resolve, reject) => {
      let text = ''
      client.on('data', (chunk) => {
        text += chunk
        if (text.includes('"content":"in flight"')) resolve(text)
      })
      client.on('error', reject)
      client.on('close', () => reject(new Error(`The connection ended: ${text}`)))
    })
    client.write(
      'POST /v1/chat/sessions/stop/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 37\r\n\r\n{"role":"user",',
    )
    // The server answers these after it has read what came before them.
    for (const _ of ['one', 'two']) expect((await fetch(`${address}/health/live`)).status).toBe(200)
    server.kill('SIGTERM')
    expect(await socket.closed).toEqual({ code: 1012, reason: 'The server is restarting' })
    client.write('"content":"in flight"}')
    expect(await answer).toStartWith('HTTP/1.1 201')
    client.destroy()
    expect(await server.exited).toBe(0)
  })
})

describe.skipIf(!hasRedisServer)('a server whose Redis goes away', () => {
  test('tells of it once, and once when it is back', async () => {
    const redis = await startRedis()
    const folder = temporaryDirectory()
    const server = runServer(folder, [join(import.meta.dir, '../../src/main.ts')], { REDIS_URL: redis.url })
    try {
      await server.address
      await redis.kill()
      await until(() => server.output().includes('"Redis is lost"'), 'the loss to be told')
      await redis.restart()
      await until(() => server.output().includes('"Redis is back"'), 'the return to be told')
    } finally {
      server.kill('SIGTERM')
      await server.exited
      await redis.stop()
      removeTemporaryDirectories()
    }
    expect(server.output().match(/Redis is lost/g)).toHaveLength(1)
  })
})
