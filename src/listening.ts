import type { Config } from './config.ts'

type Place = { hostname: string; port: number }

/** Opens a listener where the configuration says. Throws an `Error` to show to the operator when that place is taken. */
export function listen<T>({ host, port }: Config, open: (place: Place) => T): T {
  try {
    return open({ hostname: host, port })
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault)) throw fault
    const told =
      fault.code === 'EADDRINUSE'
        ? `Port ${port} of ${host} is taken. Set APP_PORT to a free one, or stop what listens there.`
        : `Port ${port} of ${host} cannot be listened on (${fault.code}). Correct APP_HOST or APP_PORT.`
    throw new Error(told, { cause: fault })
  }
}

/**
 * The port for processes that will share it: a free one where the configuration leaves the choice. They would not notice
 * that somebody else shares it already, so it is taken for a moment by one that does not share. Throws as `listen` does.
 */
export function sharedPort(config: Config): number {
  const probe = listen(config, (place) => Bun.listen({ ...place, exclusive: true, socket: { data() {} } }))
  const { port } = probe
  probe.stop(true)
  return port
}
