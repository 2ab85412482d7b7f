import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { createClient } from 'redis'
import { freePort, until } from './waiting.ts'

const PROBE_MS = 1000

/** The Redis and the Postgres of a run: those that the environment names, else the local ones, else private ones. */
export class Stores {
  readonly #opened: AsyncDisposableStack
  #redis: Promise<string> | undefined
  #postgres: Promise<string> | undefined

  constructor(opened: AsyncDisposableStack) {
    this.#opened = opened
  }

  redisUrl(): Promise<string> {
    this.#redis ??= this.#findRedis()
    return this.#redis
  }

  /** Starts keys that nobody else has; they are deleted at the end. */
  async redisPrefix(): Promise<string> {
    const url = await this.redisUrl()
    const prefix = `bench:${crypto.randomUUID()}:`
    this.#opened.defer(() => deleteKeys(url, prefix))
    return prefix
  }

  /** A new, empty database, dropped at the end. */
  async databaseUrl(): Promise<string> {
    this.#postgres ??= this.#findPostgres()
    const url = new URL(await this.#postgres)
    const name = `parley_bench_${crypto.randomUUID().replaceAll('-', '')}`
    const server = url.href
    await once(server, (sql) => sql.unsafe(`create database ${name}`))
    this.#opened.defer(() => once(server, (sql) => sql.unsafe(`drop database ${name} with (force)`)))
    url.pathname = name
    return url.href
  }

  async #findRedis(): Promise<string> {
    const named = process.env['TEST_REDIS_URL']
    if (named) return named
    if (await redisAnswers('redis://127.0.0.1:6379')) return 'redis://127.0.0.1:6379'
    const port = await freePort()
    const directory = await this.#directory()
    this.#spawn(['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--save', '', '--dir', directory])
    const url = `redis://127.0.0.1:${port}`
    await until('redis-server answers', () => redisAnswers(url))
    return url
  }

  async #findPostgres(): Promise<string> {
    const named = process.env['TEST_DATABASE_URL']
    if (named) return named
    for (const user of [userInfo().username, 'postgres']) {
      const url = `postgres://${user}@127.0.0.1:5432/postgres`
      if (await postgresAnswers(url)) return url
    }
    const bin =
      [...new Bun.Glob('/usr/lib/postgresql/*/bin').scanSync({ onlyFiles: false })].sort().at(-1) ?? '/usr/local/bin'
    const directory = await this.#directory()
    const port = await freePort()
    // Postgres refuses to run as root.
    const as = userInfo().uid === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
    if (as.length > 0) await run(['chown', 'postgres', directory])
    await run([...as, `${bin}/initdb`, '-D', join(directory, 'data'), '-U', 'parley', '-A', 'trust'])
    const settings = [`listen_addresses=127.0.0.1`, `port=${port}`, `unix_socket_directories=${directory}`]
    this.#spawn([...as, `${bin}/postgres`, '-D', join(directory, 'data'), ...settings.flatMap((each) => ['-c', each])])
    const url = `postgres://parley@127.0.0.1:${port}/postgres`
    await until('postgres answers', () => postgresAnswers(url))
    return url
  }

  async #directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'parley-bench-'))
    this.#opened.defer(() => rm(path, { recursive: true, force: true }))
    return path
  }

  #spawn(command: string[]): void {
    const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
    this.#opened.defer(async () => {
      // SIGINT: to Postgres it is the fast shutdown, which does not wait for its clients.
      child.kill('SIGINT')
      await child.exited
    })
  }
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')}: ${await new Response(child.stderr).text()}`)
}

async function redisAnswers(url: string): Promise<boolean> {
  const client = createClient({ url, socket: { connectTimeout: PROBE_MS, reconnectStrategy: false } })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    if (client.isOpen) client.destroy()
  }
}

async function deleteKeys(url: string, prefix: string): Promise<void> {
  const client = createClient({ url })
  await client.connect()
  for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
    if (keys.length > 0) await client.unlink(keys)
  }
  client.destroy()
}

async function postgresAnswers(url: string): Promise<boolean> {
  return once(url, (sql) => sql`select 1`).then(
    () => true,
    () => false,
  )
}

async function once(url: string, query: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: PROBE_MS / 1000, onnotice: () => {} })
  try {
    await query(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}
