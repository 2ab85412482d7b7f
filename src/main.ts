import pino, { type Logger } from 'pino'
import { accountsOf } from './accounts.ts'
import { DemoAnswerer } from './adapters/answerers/demo.ts'
import { MemoryBus } from './adapters/memory/bus.ts'
import { MemorySessionStore } from './adapters/memory/sessions.ts'
import type { Redis } from './adapters/redis/client.ts'
import { administer, makeFirstAdmin } from './admin.ts'
import { createApp } from './app.ts'
import { banner } from './banner.ts'
import { openChats } from './chat-services.ts'
import { type Config, readConfig } from './config.ts'
import { migrate } from './db/migrate.ts'
import { type Database, openDatabase } from './db/open.ts'
import { AnswerService } from './domain/answers/service.ts'
import type { ChatLog } from './domain/chats/log.ts'
import type { Bus, Probe, SessionStore } from './domain/ports.ts'
import { SessionService } from './domain/sessions/service.ts'
import { developmentSecret } from './secrets.ts'

/** Sockets get this long to answer that they are closed. */
const CLOSE_MS = 2000
/** Between two words of the demo's answers: as if somebody typed. */
const DEMO_PAUSE_MS = 15
/** Requests in flight get this long to finish once the server is told to stop. */
const FINISH_MS = 5000
/** Whatever has not closed by then is left: the process ends within 10 seconds of the signal. */
const EXIT_MS = 9000

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const logger = pino(
    {
      level: config.logLevel,
      redact: { paths: ['token', '*.token', '*.password', '*.secret', '*.authorization'], remove: true },
    },
    pino.destination({ fd: 1, sync: false }),
  )
  process.on('unhandledRejection', (fault) => {
    logger.fatal({ err: fault }, 'unhandled rejection')
    logger.flush()
    process.exit(1)
  })
  const secret = config.jwt.secret ?? (await developmentSecret(config.dataDirectory, 'jwt-secret'))

  const [database, shared] = await Promise.all([openDatabase(config.database), openShared(config)])
  await migrate(database)
  const probes = { database, ...shared.probes }
  const sessions = new SessionService(shared.sessions, shared.bus)
  const chats = await openChats(database, shared.bus)
  const answers = new AnswerService(chats.messages, chats.reader, new DemoAnswerer({ pauseMs: DEMO_PAUSE_MS }))
  const stopKeeping = keepData(database, chats.log, config, logger)
  const accounts = accountsOf(config, { database, bus: shared.bus, redis: shared.redis, secret })
  await accounts.revocations.start()
  const told = await makeFirstAdmin(accounts, config)
  if (told !== undefined) logger.warn(told)
  const { app, hub, health } = createApp(
    { accounts, sessions, chats, answers, bus: shared.bus, probes },
    config,
    logger,
  )
  listen(config, (options) => app.listen(options))
  console.log(banner(config, app.server?.port ?? config.port, database.description))

  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), EXIT_MS).unref()
    logger.info({ signal }, 'stopping')
    health.drain()
    // A peer that is gone or does not answer the close is not waited for.
    await Promise.race([hub.close(), Bun.sleep(CLOSE_MS)])
    await Promise.race([app.server?.stop(), Bun.sleep(FINISH_MS)])
    await app.server?.stop(true)
    stopKeeping()
    shared.close()
    await database.close()
    logger.info('stopped')
    logger.flush()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal))
}

const HOUR_MS = 3_600_000

/**
 * Tells of what a process that died had committed and not told; then, hourly, forgets old events and has the database clean
 * up. On every instance, since what one has done leaves the others nothing to do. Returns the call that ends it.
 */
function keepData(database: Database, log: ChatLog, { eventRetentionDays }: Config, logger: Logger): () => void {
  const tell = (work: string) => (err: unknown) => logger.error({ err }, `${work} failed`)
  const keep = async () => {
    await log.retain(eventRetentionDays).catch(tell('forgetting old events'))
    await database.maintain().catch(tell('cleaning up the database'))
  }
  void log.retell().catch(tell('telling again of the newest events'))
  const timer = setInterval(() => void keep(), HOUR_MS)
  return () => clearInterval(timer)
}

/** What instances share: in Redis, or in this process where there is one alone. */
type Shared = { bus: Bus; redis?: Redis; sessions: SessionStore; probes: Record<string, Probe>; close(): void }

async function openShared({ redis, sessions }: Config): Promise<Shared> {
  if (redis === undefined) {
    const bus = new MemoryBus()
    return { bus, sessions: new MemorySessionStore(bus, sessions), probes: {}, close() {} }
  }
  // Loaded where it is wanted only: it takes a good part of the time to start.
  const [{ connectRedis }, { RedisBus }, { RedisSessionStore }] = await Promise.all([
    import('./adapters/redis/client.ts'),
    import('./adapters/redis/bus.ts'),
    import('./adapters/redis/sessions.ts'),
  ])
  const connection = await connectRedis(redis.url, { prefix: redis.prefix })
  return {
    bus: new RedisBus(connection),
    redis: connection,
    sessions: new RedisSessionStore(connection, sessions),
    probes: { redis: connection },
    close: () => connection.close(),
  }
}

function listen({ host, port }: Config, open: (options: { hostname: string; port: number }) => void): void {
  try {
    open({ hostname: host, port })
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault)) throw fault
    const told =
      fault.code === 'EADDRINUSE'
        ? `Port ${port} of ${host} is taken. Set APP_PORT to a free one, or stop what listens there.`
        : `Port ${port} of ${host} cannot be listened on (${fault.code}). Correct APP_HOST or APP_PORT.`
    throw new Error(told, { cause: fault })
  }
}

/** Nothing is shown of what is typed. `undefined` where nobody sits at a terminal, or typed nothing. */
function askPassword(): string | undefined {
  if (!process.stdin.isTTY) return undefined
  const echo = (mode: 'echo' | '-echo') => Bun.spawnSync(['stty', mode], { stdin: 'inherit' })
  echo('-echo')
  try {
    return prompt('Password (none: one is made):') || undefined
  } finally {
    echo('echo')
    console.log()
  }
}

try {
  if (process.argv[2] === 'admin')
    console.log(await administer(readConfig(process.env), process.argv.slice(3), askPassword))
  else await start()
} catch (fault) {
  const message = fault instanceof Error ? fault.message : String(fault)
  for (const line of message.split('\n')) console.error(`parley: ${line}`)
  process.exit(1)
}
