import pino, { type Logger } from 'pino'
import { createApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { SessionService } from '../../src/domain/sessions/service.ts'
import { memoryStores, type Stores } from './stores.ts'

export type TestServer = {
  /** `http://…`, without a slash at its end. */
  url: string
  ws: string
  config: Config
  hub: ReturnType<typeof createApp>['hub']
  health: ReturnType<typeof createApp>['health']
  /** A request to a path of this server. */
  call(path: string, init?: RequestInit): Promise<Response>
  /** `POST` of a JSON value. */
  post(path: string, body: unknown): Promise<Response>
  close(): Promise<void>
}

export type TestServerOptions = { env?: Record<string, string>; logger?: Logger; stores?: Stores }

/** The real server on a free port of this machine. The stores are closed with it. */
export async function startServer({ env = {}, logger, stores = memoryStores() }: TestServerOptions = {}): Promise<TestServer> {
  const config = readConfig(env)
  const { app, hub, health } = createApp(
    { sessions: new SessionService(stores.sessions, stores.bus), bus: stores.bus, probes: stores.probes },
    config,
    logger ?? pino({ level: 'silent' }),
  )
  app.listen({ hostname: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${app.server?.port}`
  const call = (path: string, init?: RequestInit) => fetch(`${url}${path}`, init)
  return {
    url,
    ws: url.replace('http', 'ws'),
    config,
    hub,
    health,
    call,
    post: (path, body) =>
      call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    async close() {
      await hub.close()
      await app.stop(true)
      stores.close()
    },
  }
}
