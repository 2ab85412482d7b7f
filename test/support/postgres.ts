import { chownSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Subprocess, spawn, spawnSync } from 'bun'

/** A Postgres of the test's own, which it may kill, stop and start again. */
export type PrivatePostgres = {
  /** Of the superuser `postgres`, with no password. */
  url: string
  port: number
  /** Runs one statement as the superuser and returns what psql printed. */
  psql(statement: string): string
  /** Resolves once it accepts connections. */
  start(): Promise<void>
  /** Ends every process of the server at once, as a crash does. */
  kill(): Promise<void>
  /** Stands still, with its connections open. */
  freeze(): void
  thaw(): void
  /** Ends the server and removes its files. */
  remove(): Promise<void>
}

const BIN = postgresBinaries()

/** Whether this machine can run one: `initdb` is on the PATH or where Debian puts it. */
export const canStartPostgres = BIN !== undefined

/** Starts one on a free port. Postgres refuses to run as root, so as root it runs as the user `postgres`. */
export async function startPostgres(
  options: { auth?: 'trust' | 'scram-sha-256'; password?: string } = {},
): Promise<PrivatePostgres> {
  const bin = BIN ?? ''
  const home = mkdtempSync(join(tmpdir(), 'parley-pg-'))
  const asRoot = process.getuid?.() === 0
  const prefix = asRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
  if (asRoot) giveToPostgres(home)
  const files = join(home, 'data')
  const passwordFile = join(home, 'password')
  await Bun.write(passwordFile, options.password ?? 'unused')
  run([
    ...prefix,
    join(bin, 'initdb'),
    '-D',
    files,
    '-U',
    'postgres',
    '-A',
    options.auth ?? 'trust',
    '--pwfile',
    passwordFile,
    '-N',
  ])
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  let server: Subprocess | undefined

  const processes = () => {
    const parent = server?.pid
    if (parent === undefined) return []
    const children = spawnSync(['ps', '-o', 'pid=', '--ppid', String(parent)])
      .stdout.toString()
      .split(/\s+/)
    return [parent, ...children.filter((pid) => pid !== '').map(Number)]
  }
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processes()) tryKill(pid, name)
  }
  const instance: PrivatePostgres = {
    url,
    port,
    psql: (statement) =>
      run([join(bin, 'psql'), '-Atqc', statement, options.password ? withPassword(url, options.password) : url]),
    async start() {
      const settings = ['-c', 'fsync=off', '-c', `unix_socket_directories=${home}`]
      const own = spawn(
        [...prefix, join(bin, 'postgres'), '-D', files, '-h', '127.0.0.1', '-p', String(port), ...settings],
        {
          stdout: 'ignore',
          stderr: 'pipe',
        },
      )
      server = own
      await readUntil(own.stderr, 'database system is ready to accept connections')
    },
    async kill() {
      signal('SIGKILL')
      await server?.exited
      server = undefined
      rmSync(join(files, 'postmaster.pid'), { force: true })
      for (const name of readdirSync(home)) if (name.startsWith('.s.PGSQL')) rmSync(join(home, name), { force: true })
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async remove() {
      await instance.kill()
      rmSync(home, { recursive: true, force: true })
    },
  }
  await instance.start()
  return instance
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function postgresBinaries(): string | undefined {
  const found = Bun.which('initdb')
  if (found) return dirname(realpathSync(found))
  const debian = '/usr/lib/postgresql'
  if (!existsSync(debian)) return
  const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(debian, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')))
}

function giveToPostgres(directory: string): void {
  const uid = Number(run(['id', '-u', 'postgres']))
  chownSync(directory, uid, statSync(directory).gid)
}

function run(command: string[]): string {
  const { stdout, stderr, success } = spawnSync(command)
  if (!success) throw new Error(`${command.join(' ')}: ${stderr.toString()}`)
  return stdout.toString().trim()
}

function tryKill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself in between.
  }
}

function withPassword(url: string, password: string): string {
  return url.replace('postgres@', `postgres:${encodeURIComponent(password)}@`)
}

/** Reads on after the text, in the background: a full pipe would stop the server. */
async function readUntil(stream: ReadableStream<Uint8Array>, text: string): Promise<void> {
  const seen = Promise.withResolvers<void>()
  const reading = async () => {
    const decoder = new TextDecoder()
    let output = ''
    let found = false
    for await (const bytes of stream) {
      if (found) continue
      output += decoder.decode(bytes, { stream: true })
      if (output.includes(text)) {
        found = true
        seen.resolve()
      }
    }
    if (!found) seen.reject(new Error(`Postgres ended: ${output}`))
  }
  reading().catch(seen.reject)
  return seen.promise
}
