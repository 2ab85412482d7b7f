import pino, { type Logger } from 'pino'
import { z } from 'zod'
import { DemoAnswerer } from '../../src/adapters/answerers/demo.ts'
import { createRouter } from '../../src/api/trpc/router.ts'
import { createApp } from '../../src/app.ts'
import { openChats } from '../../src/chat-services.ts'
import { type Config, readConfig } from '../../src/config.ts'
import type { Database } from '../../src/db/open.ts'
import type { Passwords } from '../../src/domain/accounts/passwords.ts'
import type { AccountService } from '../../src/domain/accounts/service.ts'
import { AnswerService } from '../../src/domain/answers/service.ts'
import type { ChatServices } from '../../src/domain/chats/services.ts'
import type { Answerer } from '../../src/domain/ports.ts'
import { SessionService } from '../../src/domain/sessions/service.ts'
import { absentDatabase, NO_LIMITS, testAccounts } from './accounts.ts'
import { memoryStores, type Stores } from './stores.ts'

/** By its full name, which tRPC's type of it does not know. */
const Procedures = z.record(
  z.string(),
  z.custom<{ _def: { type: string } }>((value) => typeof value === 'function' && '_def' in value),
)

export type TestServer = {
  /** `http://…`, without a slash at its end. */
  url: string
  ws: string
  config: Config
  accounts: AccountService
  chats: ChatServices
  /** All that can be called: `GET /api/chats/:chat_id`, `trpc query chats.get`. */
  doors: string[]
  hub: ReturnType<typeof createApp>['hub']
  health: ReturnType<typeof createApp>['health']
  /** A request to a path of this server. */
  call(path: string, init?: RequestInit): Promise<Response>
  /** `POST` of a JSON value. */
  post(path: string, body: unknown): Promise<Response>
  close(): Promise<void>
}

export type TestServerOptions = {
  env?: Record<string, string>
  logger?: Logger
  stores?: Stores
  /** For tests of what is kept there; it stays open. Booting one is costly: share it in a file. */
  database?: Database
  passwords?: Passwords
  answerer?: Answerer
}

/** The real server on a free port of this machine. The stores are closed with it. */
export async function startServer({
  env = {},
  logger,
  stores = memoryStores(),
  database = absentDatabase(),
  passwords,
  answerer = new DemoAnswerer(),
}: TestServerOptions = {}): Promise<TestServer> {
  const config = readConfig({ ...NO_LIMITS, ...env })
  const accounts = testAccounts(config, database, stores.bus, passwords)
  await accounts.revocations.start()
  const chats = await openChats(database, stores.bus)
  const answers = new AnswerService(chats.messages, chats.reader, answerer)
  const sessions = new SessionService(stores.sessions, stores.bus)
  const services = { accounts, sessions, chats, answers, bus: stores.bus, probes: stores.probes }
  const { app, hub, health } = createApp(services, config, logger ?? pino({ level: 'silent' }))
  app.listen({ hostname: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${app.server?.port}`
  const call = (path: string, init?: RequestInit) => fetch(`${url}${path}`, init)
  return {
    url,
    ws: url.replace('http', 'ws'),
    config,
    accounts,
    chats,
    doors: [
      ...app.routes.map(({ method, path }) => `${method} ${path}`),
      ...Object.entries(Procedures.parse(createRouter(services, config)._def.procedures)).map(
        ([name, procedure]) => `trpc ${procedure._def.type} ${name}`,
      ),
    ],
    hub,
    health,
    call,
    post: (path, body) =>
      call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    async close() {
      await hub.close()
      await app.stop(true)
      accounts.revocations.stop()
      stores.close()
    },
  }
}
