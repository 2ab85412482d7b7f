import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canStartPostgres, type PrivatePostgres, startPostgres } from '../support/postgres.ts'
import { hasRedisServer, type PrivateRedis, startRedis } from '../support/redis.ts'
import { TestSocket } from '../support/socket.ts'
import { until } from '../support/wait.ts'
import { runServer, type ServerProcess } from './server-process.ts'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../..')
const main = join(root, 'src/main.ts')

/** The lines of the log so far. */
function linesOf(server: ServerProcess): Record<string, unknown>[] {
  const lines = server.output().split('\n').slice(0, -1)
  return lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
}

/** The processes that have answered a request, by what they log. */
function answered(server: ServerProcess): number[] {
  const lines = linesOf(server).filter(({ msg }) => msg === 'request')
  return [...new Set(lines.map(({ pid }) => Number(pid)))]
}

/** Asks on a new connection each time: the system gives each to one of the processes. */
async function ask(server: ServerProcess): Promise<number> {
  const response = await fetch(`${await server.address}/health/live`, { keepalive: false })
  return response.status
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.skipIf(!(canStartPostgres && hasRedisServer))('bun start --workers', () => {
  let postgres: PrivatePostgres
  let redis: PrivateRedis
  let folder: string
  const running: ServerProcess[] = []
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-workers-'))
    ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
  })
  afterEach(async () => {
    for (const server of running.splice(0)) {
      server.kill('SIGTERM')
      await server.exited
    }
  })
  afterAll(async () => {
    await Promise.all([postgres.remove(), redis.stop()])
    await rm(folder, { recursive: true })
  })

  const start = (args: string[], variables: Record<string, string> = {}, cwd = folder) => {
    const stores = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, DATA_DIR: join(folder, '.parley') }
    const server = runServer(cwd, args, { ...stores, ...variables })
    running.push(server)
    return server
  }
  /** Two workers, both of which have answered. */
  const startTwo = async () => {
    const server = start([main, '--workers', '2'])
    await bothAnswer(server)
    return server
  }
  const bothAnswer = (server: ServerProcess) =>
    until(async () => {
      expect(await ask(server)).toBe(200)
      return answered(server).length === 2
    }, 'both workers to answer')

  test('shares one port between so many processes, tells of them once, and ends them all on SIGTERM', async () => {
    const server = start(['start', '--workers', '2'], {}, root)
    await bothAnswer(server)
    expect(server.output().match(/API docs/g)).toHaveLength(1)
    expect(server.output()).toMatch(/Workers +2 /)
    const sockets = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const address = await server.address
        const socket = new TestSocket(`${address.replace('http', 'ws')}/v1/chat/sessions/workers-${index}/ws`)
        await socket.next()
        return socket
      }),
    )
    server.kill('SIGTERM')
    for (const socket of sockets) expect(await socket.closed).toMatchObject({ code: 1012 })
    expect(await server.exited).toBe(0)
    expect(answered(server).filter(isAlive)).toEqual([])
  })

  test('takes the number from APP_WORKERS, and the typed one before it', async () => {
    const server = start([main], { APP_WORKERS: '2' })
    await server.address
    expect(server.output()).toMatch(/Workers +2 /)
    const typed = start([main, '--workers=1'], { APP_WORKERS: '2' })
    await typed.address
    expect(typed.output()).not.toContain('Workers')
  })

  test('puts another one in the place of one that was killed, and serves meanwhile', async () => {
    const server = await startTwo()
    const [first = 0] = answered(server)
    process.kill(first, 'SIGKILL')
    await until(() => linesOf(server).some(({ msg, worker }) => msg === 'a worker ended' && worker === first))
    await until(async () => {
      expect(await ask(server)).toBe(200)
      return answered(server).length === 3
    }, 'a third to answer')
  })

  test('leaves no worker behind when it is killed itself', async () => {
    const server = await startTwo()
    const workers = answered(server)
    server.kill('SIGKILL')
    await server.exited
    await until(() => !workers.some(isAlive), 'the workers to end')
  })

  test('does not share the port with somebody who is there already, and says so once', async () => {
    const first = await startTwo()
    const { port } = new URL(await first.address)
    for (const args of [[main, '--workers', '2'], [main]]) {
      const second = start(args, { APP_PORT: port })
      expect(await second.exited).toBe(1)
      expect(await second.errors).toMatch(
        /^parley: Port \d+ of 127\.0\.0\.1 is taken\. Set APP_PORT to a free one[^\n]+\n$/,
      )
    }
  })

  test('says once what stands in its way', async () => {
    const server = start([main, '--workers', '3'], { DATABASE_URL: `${postgres.url}-of-nobody` })
    expect(await server.exited).toBe(1)
    expect(await server.errors).toMatch(/^parley: Postgres at \S+ has no such database[^\n]+\n$/)
  })

  test('gives up when none can be kept running', async () => {
    const other = await startPostgres()
    try {
      const server = start([main, '--workers', '2'], { DATABASE_URL: other.url })
      await bothAnswer(server)
      await other.kill()
      for (const pid of answered(server)) process.kill(pid, 'SIGKILL')
      expect(await server.exited).toBe(1)
      expect(await server.errors).toEndWith(
        'parley: The workers end again and again, 5 times in a row each. What they told says why.\n',
      )
    } finally {
      await other.remove()
    }
  })

  test.each([
    [
      '--workers',
      '2',
      { REDIS_URL: '' },
      'REDIS_URL: is required with more than one worker: what is kept in memory is for one process',
    ],
    [
      '--workers',
      '2',
      { DATABASE_URL: '' },
      'DATABASE_URL: is required with more than one worker: the embedded database is for one process',
    ],
    ['--workers', 'many', {}, '--workers: expected a whole number from 1 to 256'],
    ['--workers', '1.5', {}, '--workers: expected a whole number from 1 to 256'],
    ['--wrokers', '2', {}, '--wrokers 2: is not understood. Usage: bun start [--workers N]'],
  ])('refuses %s %s with %p in one line', async (flag, value, variables, line) => {
    const server = start([main, flag, value], variables)
    expect(await server.exited).toBe(1)
    expect(await server.errors).toBe(`parley: ${line}\n`)
  })
})
