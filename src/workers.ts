import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { sharedPort } from './listening.ts'
import { type StartWorker, Supervisor } from './supervisor.ts'

/**
 * `bun start --workers N`: starts N processes that share the port (SO_REUSEPORT) and keeps them running. `serving` is
 * called once, when all do. Resolves to the exit code when all have ended; throws an `Error` to show to the operator.
 */
export async function runWorkers(
  config: Config,
  environment: Record<string, string | undefined>,
  logger: Logger,
  serving: (port: number, database: string) => void,
): Promise<number> {
  const port = sharedPort(config)
  const env = { ...environment, APP_PORT: String(port), APP_WORKERS: String(config.workers) }
  const start: StartWorker = (heard, ended) =>
    Bun.spawn([process.execPath, Bun.main, 'worker'], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      ipc: heard,
      onExit: (_, code, signal) => ended({ code, signal: signal === null ? null : String(signal) }),
    })
  const supervisor = new Supervisor(config.workers, start, logger)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => supervisor.stop())
  const database = await supervisor.start()
  if (database !== undefined) serving(port, database)
  return supervisor.ended
}

/** A worker's side: its process ends with the one that started it, however that ends. */
export class Lead {
  #lost: () => void = () => process.exit(1)

  constructor() {
    if (process.send === undefined) throw new Error('worker: is what bun start --workers N calls, and nobody else.')
    process.on('disconnect', () => this.#lost())
  }

  /** Says that this process serves. From now on `lost` is called when the supervisor is gone. */
  serves(database: string, lost: () => void): void {
    this.#lost = lost
    if (process.connected) process.send?.(database)
    else lost()
  }
}
