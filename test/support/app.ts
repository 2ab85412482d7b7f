import pino, { type Logger } from 'pino'
import { z } from 'zod'
import { typeByContent } from '../../src/adapters/file-type.ts'
import { openAnswers } from '../../src/answer-services.ts'
import { createRouter } from '../../src/api/trpc/router.ts'
import { createApp } from '../../src/app.ts'
import { openChats } from '../../src/chat-services.ts'
import { type Config, readConfig } from '../../src/config.ts'
import type { Database } from '../../src/db/open.ts'
import type { Passwords } from '../../src/domain/accounts/passwords.ts'
import type { AccountService } from '../../src/domain/accounts/service.ts'
import { AnswerStore, refOf } from '../../src/domain/answers/answer-store.ts'
import { CallbackTokens } from '../../src/domain/answers/callback-tokens.ts'
import type { AnswerDispatch } from '../../src/domain/answers/dispatch.ts'
import type { AnswerLimits } from '../../src/domain/answers/limits.ts'
import type { AnswerService } from '../../src/domain/answers/service.ts'
import type { ChatServices } from '../../src/domain/chats/services.ts'
import { DeskStore } from '../../src/domain/desk/desk-store.ts'
import { DeskService } from '../../src/domain/desk/service.ts'
import type { Answerer, BlobStore, Extractor, Jobs } from '../../src/domain/ports.ts'
import { SessionPromoter } from '../../src/domain/sessions/promotion.ts'
import { SessionService } from '../../src/domain/sessions/service.ts'
import type { SupportDesk } from '../../src/domain/support/desk.ts'
import type { SupportService } from '../../src/domain/support/service.ts'
import { type FileServices, openFiles } from '../../src/file-services.ts'
import { openSupport } from '../../src/support-services.ts'
import { absentDatabase, NO_LIMITS, TEST_SECRET, testAccounts } from './accounts.ts'
import { MemoryBlobs, NO_JOBS } from './blobs.ts'
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
  desk: DeskService
  support: SupportService
  supportDesk: SupportDesk
  files: FileServices
  answers: AnswerService
  /** What the answer of a chat that runs says so far, for all who watch. */
  dispatchedText(chatId: string): Promise<string | undefined>
  dispatch: AnswerDispatch
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
  /** Who answers; nobody, where it is left out. */
  answerer?: Answerer
  /** Those that a chat may choose beside it. */
  otherAnswerers?: readonly Answerer[]
  blobs?: BlobStore
  jobs?: Jobs
  extractor?: Extractor
  answerLimits?: Partial<AnswerLimits>
}

/** The real server on a free port of this machine. The stores are closed with it. */
export async function startServer({
  env = {},
  logger,
  stores = memoryStores(),
  database = absentDatabase(),
  passwords,
  answerer,
  otherAnswerers = [],
  answerLimits = {},
  blobs = new MemoryBlobs(),
  jobs = NO_JOBS,
  extractor,
}: TestServerOptions = {}): Promise<TestServer> {
  const config = readConfig({ ...NO_LIMITS, ...env })
  const answerers = answerer === undefined ? [] : [answerer, ...otherAnswerers]
  const accounts = testAccounts(config, database, stores.bus, passwords)
  await accounts.revocations.start()
  const chats = await openChats(database, stores.bus, stores.buffer, {
    ...config.asking,
    answerers: answerers.map(({ name }) => name),
  })
  const log = logger ?? pino({ level: 'silent' })
  const { bus, buffer } = stores
  const limits = answerLimits
  const tokens = new CallbackTokens([TEST_SECRET])
  const { answers, callbacks, turns, dispatch } = await openAnswers({
    database,
    bus,
    buffer,
    chats,
    answerers,
    tokens,
    log,
    limits,
  })
  const sessions = new SessionService(stores.sessions, stores.bus)
  const desk = new DeskService({ store: new DeskStore(database), chats: chats.chats, answers })
  const {
    support,
    desk: supportDesk,
    handOver,
    feed: deskFeed,
    ...supporting
  } = await openSupport(config, { database, bus, chats, answers, log })
  const promoter = new SessionPromoter(stores.sessions, chats.promoted)
  const files = openFiles(config, {
    database,
    log: chats.log,
    blobs,
    jobs,
    typer: typeByContent,
    secrets: [TEST_SECRET],
    ...(extractor === undefined ? {} : { extractor }),
  })
  const services = {
    accounts,
    sessions,
    promoter,
    chats,
    answers,
    callbacks,
    turns,
    desk,
    support,
    supportDesk,
    handOver,
    deskFeed,
    files: files.files,
    bus,
    probes: stores.probes,
  }
  const { app, hub, health } = createApp(services, config, log)
  app.listen({ hostname: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${app.server?.port}`
  const call = (path: string, init?: RequestInit) => fetch(`${url}${path}`, init)
  return {
    url,
    ws: url.replace('http', 'ws'),
    config,
    accounts,
    chats,
    desk,
    support,
    supportDesk,
    files,
    answers,
    dispatch,
    async dispatchedText(chatId) {
      const [running] = await new AnswerStore(database).runningOf(chatId)
      return running && (await buffer.read(refOf(running)))?.text
    },
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
      await supporting.stop()
      await chats.live.stop()
      accounts.holders.stop()
      await app.stop(true)
      await dispatch.drain()
      await dispatch.stop()
      accounts.revocations.stop()
      stores.close()
    },
  }
}
