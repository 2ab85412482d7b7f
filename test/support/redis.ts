import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { until } from './wait.ts'

/** The Redis to test with; never flushed: every test file takes a prefix of its own. */
export const testRedisUrl = process.env['TEST_REDIS_URL']
export const hasRedisServer = Bun.which('redis-server') !== null

export function randomPrefix(): string {
  return `test-${crypto.randomUUID()}:`
}

/** What a second client sees on the server. */
export async function connectPlain(url: string) {
  return await createClient({ url })
    .on('error', () => {})
    .connect()
}

/** A server of the test's own, which it may kill. */
export interface PrivateRedis {
  readonly url: string
  /** Of a node, for the other nodes of its cluster. */
  readonly clusterPort: number
  /** As a crash: nothing is saved. */
  kill(): Promise<void>
  /** On the same port, empty. */
  restart(): Promise<void>
  /** It hangs: connections stay, nothing is answered. */
  freeze(): void
  thaw(): void
  /** Ends it, in whatever state it is, with its files. */
  stop(): Promise<void>
}

// `bun test` runs no exit handlers, so the system ends the servers of a test run that was cut short (on Linux).
const endsWithUs = Bun.which('setpriv') === null ? [] : ['setpriv', '--pdeathsig', 'KILL']

/** `cluster`: one node that has all slots. `node`: one that has none yet. */
type Mode = 'single' | 'cluster' | 'node'

export async function startRedis(mode: Mode = 'single'): Promise<PrivateRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'parley-redis-'))
  const clusterPort = await freePort()
  const place = { directory, clusterPort }
  let { port, server } = await spawnOnFreePort(place, mode)
  const end = async () => {
    server.kill('SIGKILL')
    await server.exited
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    clusterPort,
    kill: end,
    async restart() {
      const again = await spawn(place, mode, port)
      if (again === undefined) throw new Error(`Port ${port} was taken by another process meanwhile`)
      server = again
    },
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
    async stop() {
      await end()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

type Place = { directory: string; clusterPort: number }

async function spawnOnFreePort(place: Place, mode: Mode) {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const port = await freePort()
    const server = await spawn(place, mode, port)
    if (server !== undefined) return { port, server }
  }
  throw new Error('redis-server did not start on any of 10 free ports')
}

/** Undefined when it ends at once, as it does when the port is taken. */
async function spawn({ directory, clusterPort }: Place, mode: Mode, port: number) {
  const impatient = ['--cluster-node-timeout', '1500', '--repl-diskless-sync-delay', '0']
  const node = ['--cluster-enabled', 'yes', '--cluster-port', String(clusterPort), ...impatient]
  const cluster = mode === 'single' ? [] : node
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', ...cluster]
  const server = Bun.spawn([...endsWithUs, 'redis-server', ...options], { stdout: 'ignore', stderr: 'ignore' })
  await until(async () => server.exitCode !== null || (await pidAt(port)) === server.pid, 'redis-server to answer')
  if (server.exitCode !== null) return undefined
  if (mode === 'cluster') await ownAllSlots(port)
  return server
}

async function ownAllSlots(port: number): Promise<void> {
  const client = await connectPlain(`redis://127.0.0.1:${port}`)
  try {
    await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'])
    await until(async () => (await client.clusterInfo()).includes('cluster_state:ok'), 'the cluster to be ok')
  } finally {
    client.destroy()
  }
}

/** Of the Redis that answers at the port: it could be another one than ours. */
async function pidAt(port: number): Promise<number | undefined> {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } })
  client.on('error', () => {})
  try {
    await client.connect()
    return Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1])
  } catch {
    return undefined
  } finally {
    client.destroy()
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('The port of a TCP server is not known'))
        else resolve(address.port)
      })
    })
  })
}
