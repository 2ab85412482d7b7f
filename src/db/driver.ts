import postgres, { type Sql, type TransactionSql } from 'postgres'
import { codeOf } from './fault.ts'
import { type TlsMode, Wire } from './wire.ts'

/** What is not a mistake in a statement, but a connection that failed or a server that cannot serve now. */
const CONNECTION_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'EAI_AGAIN',
  'EAI_NODATA',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'TLS',
  '08000',
  '08003',
  '08006',
  '25006',
  '53100',
  '53200',
  '53300',
  '57P01',
  '57P02',
  '57P03',
])

export function isConnectionFault(fault: unknown): boolean {
  return CONNECTION_CODES.has(codeOf(fault) ?? '')
}

/** How to connect: what postgres.js takes, and the promises of a wire. `silence`: whether a silent server is given up. */
export type Connecting = postgres.Options<Record<string, never>> & { silence: boolean; tls: TlsMode }

export type Driver = { sql: Sql; end(): Promise<void> }

/** postgres.js with connections that break cleanly and transactions that end with their connection. */
export function connectDriver(url: string | undefined, { silence, tls, ...options }: Connecting): Driver {
  const wires = new Set<Wire>()
  const socket = (parsed: { path?: string | false; host: string[]; port: number[] }) => {
    const address = parsed.path
      ? { path: parsed.path }
      : // The driver leaves an IPv6 address in the brackets that it has in a URL.
        { host: parsed.host[0]?.replace(/^\[|\]$/g, '') ?? 'localhost', port: parsed.port[0] ?? 5432 }
    const wire = new Wire(address, tls)
    wires.add(wire)
    wire.once('close', () => wires.delete(wire))
    return wire
  }
  const watch = silence ? setInterval(() => breakSilent(wires), 500) : undefined
  watch?.unref()
  const all = {
    connect_timeout: 4,
    // A constant: with the driver's own growing delays, callers would wait long after the server is back.
    backoff: () => 0.1,
    keep_alive: 30,
    onnotice: () => {},
    ...options,
    ssl: false,
    socket,
  }
  const sql = url === undefined ? postgres(all) : postgres(url, all)
  endWithConnection(sql)
  return {
    sql,
    async end() {
      // Once its connection is lost the driver would wait for what nobody answers any more.
      await sql.end({ timeout: wires.size === 0 ? 0 : 5 })
      clearInterval(watch)
      for (const wire of wires) wire.destroy()
    },
  }
}

function breakSilent(wires: Set<Wire>): void {
  const now = performance.now()
  for (const wire of wires) wire.breakIfSilent(now)
}

/**
 * Makes a transaction end with its connection. The driver would send the rest of it (its own ROLLBACK or COMMIT too) to a
 * connection that is gone, which ends the process, or that has come back, where it would run outside any transaction.
 * Its `begin` rejects by itself once the connection is lost; this keeps everything else from being sent.
 */
function endWithConnection(sql: Sql): void {
  const begin = sql.begin
  async function guarded(...args: [Work] | [string, Work]): Promise<unknown> {
    const [mode, work] = args.length === 1 ? ['', args[0]] : args
    const state = { lost: false }
    try {
      return await begin(mode, (transaction) => settleWhileAlive(work(guard(transaction, state)), state))
    } catch (fault) {
      state.lost = true
      throw fault
    }
  }
  // The driver's overloads say more of the result's type than one implementation can.
  sql.begin = guarded as typeof begin
}

type Work = (transaction: TransactionSql) => unknown
type State = { lost: boolean }

/** Settles as the work does, but never once the connection is lost. */
async function settleWhileAlive(work: unknown, state: State): Promise<unknown> {
  try {
    const result = await (Array.isArray(work) ? Promise.all(work) : work)
    if (!state.lost) return result
  } catch (fault) {
    // The statement that was in flight fails before `begin` does: let that come first.
    await new Promise(setImmediate)
    if (!state.lost) throw fault
  }
  return new Promise(() => {})
}

function guard(transaction: TransactionSql, state: State): TransactionSql {
  return new Proxy(transaction, {
    apply(target, self, args) {
      if (state.lost) throw connectionLost()
      return Reflect.apply(target, self, args)
    },
    get(target, key) {
      if (key === 'unsafe')
        return (...args: Parameters<Sql['unsafe']>) => {
          if (state.lost) throw connectionLost()
          const query = target.unsafe(...args)
          query.then(undefined, (fault) => {
            if (isConnectionFault(fault)) state.lost = true
          })
          return query
        }
      if (key === 'savepoint')
        return (...args: [Work] | [string, Work]) => {
          const [name, work] = args.length === 1 ? [undefined, args[0]] : args
          const inner = (nested: TransactionSql) => settleWhileAlive(work(guard(nested, state)), state)
          return name === undefined ? target.savepoint(inner) : target.savepoint(name, inner)
        }
      return Reflect.get(target, key)
    },
  })
}

function connectionLost(): Error {
  return Object.assign(new Error('The connection of this transaction was lost.'), { code: 'CONNECTION_CLOSED' })
}
