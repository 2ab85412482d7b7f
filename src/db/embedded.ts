import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import type { Order, Report } from './embedded-worker.ts'
import { codeOf, DatabaseFault, messageOf } from './fault.ts'
import { lockDirectory } from './lock.ts'

/** The Postgres that PGlite is, and so the only one whose files it can open. */
const EMBEDDED_MAJOR = '18'
/** Of a Unix socket's path, in bytes: 107 on Linux, 103 on macOS. */
const SOCKET_PATH_MAX = 103

/** In the data directory once it is whole: without it, its making was cut short, and it holds nothing of anyone's. */
const WHOLE = 'parley.whole'

export type Engine = {
  /** The Unix socket it answers on. */
  socket: string
  /** Throws why it broke down, if it did. */
  assertAlive(): void
  /** Leaves the files clean, and the directory to others. */
  close(): Promise<void>
}

/** Starts the embedded Postgres of a directory in a worker. Throws `DatabaseFault`. */
export async function startEngine(directory: string): Promise<Engine> {
  const home = resolve(directory)
  const shown = relative(process.cwd(), home) || '.'
  const name = shown.startsWith('..') ? home : shown
  // First, since loading takes it the longest. An explicit environment: the engine would read PG* variables.
  const worker = new Worker(new URL('./embedded-worker.ts', import.meta.url), { env: {} })
  const undo = [() => worker.terminate()]
  try {
    prepare(home, name)
    undo.push(lockDirectory(home))
    const dataDir = join(home, 'postgres')
    assertCompatible(dataDir, name)
    const socket = socketPath(home)
    // Before the lock goes: afterwards it could be the next holder's.
    undo.unshift(() => rmSync(socket.remove, { recursive: true, force: true }))
    const whole = join(dataDir, WHOLE)
    const first = !existsSync(whole)
    const engine = await run(worker, { type: 'open', dataDir, whole, socket: socket.path }, name, () => unwind(undo))
    if (!first) return engine
    // Making the files took 400 MB, which only the end of its worker gives back.
    await engine.close()
    return startEngine(directory)
  } catch (fault) {
    unwind(undo)
    throw fault
  }
}

function unwind(undo: (() => void)[]): void {
  for (const step of undo.splice(0)) step()
}

async function run(worker: Worker, order: Order & { type: 'open' }, name: string, end: () => void): Promise<Engine> {
  let failure: DatabaseFault | undefined
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const fail = (message: string) => {
    failure ??= new DatabaseFault(
      'broken',
      `The embedded Postgres in ${name} broke down: ${message}. Restart; if it stays so, restore ${name} from a backup.`,
    )
    opened.reject(failure)
    closed.resolve()
  }
  // The worker is ours and sends nothing but reports.
  worker.onmessage = ({ data }: MessageEvent<Report>) => {
    switch (data.type) {
      case 'open':
        return opened.resolve()
      case 'closed':
        return closed.resolve()
      case 'failed':
        return fail(data.message)
    }
  }
  worker.onerror = (event) => fail(event.message)
  worker.addEventListener('close', () => fail('its worker ended'))
  worker.postMessage(order)
  await opened.promise
  return {
    socket: order.socket,
    assertAlive() {
      if (failure) throw failure
    },
    async close() {
      if (!failure) worker.postMessage({ type: 'close' } satisfies Order)
      await closed.promise
      end()
    },
  }
}

function prepare(home: string, name: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 })
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (fault) {
    const why = codeOf(fault) === 'ENOTDIR' || codeOf(fault) === 'EEXIST' ? 'is not a directory' : 'cannot be written'
    throw new DatabaseFault('unwritable', `${name} ${why}. Give this user the right to, or set another DATA_DIR.`, {
      cause: fault,
    })
  }
}

function assertCompatible(dataDir: string, name: string): void {
  const major = majorOf(dataDir)
  if (major === undefined || major === EMBEDDED_MAJOR) return
  throw new DatabaseFault(
    'incompatible',
    `${name} was made by Postgres ${major}, the embedded one is ${EMBEDDED_MAJOR}. ` +
      'Move it with the version that made it (pg_dump), or set another DATA_DIR.',
  )
}

function majorOf(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim() || undefined
  } catch (fault) {
    if (codeOf(fault) === 'ENOENT') return
    throw new DatabaseFault('unwritable', `${dirname(dataDir)} cannot be read: ${messageOf(fault)}.`, { cause: fault })
  }
}

/** Where to listen: in the directory, or in a private one of its own where that path is too long for a socket. */
function socketPath(home: string): { path: string; remove: string } {
  const path = join(home, 'postgres.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return { path, remove: path }
  const own = mkdtempSync(join(tmpdir(), 'parley-'))
  return { path: join(own, 'postgres.sock'), remove: own }
}
