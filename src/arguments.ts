import { parseArgs } from 'node:util'

export type Command =
  | { name: 'start' /** As it was typed; `undefined` leaves it to APP_WORKERS. */; workers: string | undefined }
  | { name: 'admin'; args: readonly string[] }
  /** One of the processes that `bun start --workers N` starts. */
  | { name: 'worker' }
  /** The work in the background, apart from any server. */
  | { name: 'work' }
  | { name: 'jobs'; args: readonly string[] }
  | { name: 'help' }

export const HELP = `Usage: bun start [--workers N]

  --workers N  N processes share the port. More than one want DATABASE_URL and REDIS_URL. Default: APP_WORKERS, or 1.
  --help       Shows this.

What else there is to set is in the environment: see .env.example. An admin is made by bun run admin create EMAIL.
bun run worker does the work in the background apart from the server; bun run jobs shows it.`

/** What the command line asks for. Throws an `Error` to print. */
export function commandOf(args: readonly string[]): Command {
  const [first, ...rest] = args
  if (first === 'admin') return { name: 'admin', args: rest }
  if (first === 'jobs') return { name: 'jobs', args: rest }
  if (first === 'work' && rest.length === 0) return { name: 'work' }
  if (first === 'worker' && rest.length === 0) return { name: 'worker' }
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { workers: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    })
    return values.help ? { name: 'help' } : { name: 'start', workers: values.workers }
  } catch (cause) {
    throw new Error(`${args.join(' ')}: is not understood. Usage: bun start [--workers N]`, { cause })
  }
}
