import './tracing-channel.ts'
import type { Logger } from 'pino'
import { accountsOf } from './accounts.ts'
import { MemoryAnswerBuffer } from './adapters/memory/answers.ts'
import { MemoryBus } from './adapters/memory/bus.ts'
import { MemorySessionStore } from './adapters/memory/sessions.ts'
import type { Redis } from './adapters/redis/redis.ts'
import { administer, makeFirstAdmin } from './admin.ts'
import { openAnswers } from './answer-services.ts'
import { openAnswerers } from './answerer.ts'
import { createApp } from './app.ts'
import { commandOf, HELP } from './arguments.ts'
import { openBackground, runBackground } from './background.ts'
import { banner } from './banner.ts'
import { openChats } from './chat-services.ts'
import { type Config, readConfig } from './config.ts'
import { migrate } from './db/migrate.ts'
import { type Database, openDatabase } from './db/open.ts'
import { CallbackTokens } from './domain/answers/callback-tokens.ts'
import type { ChatLog } from './domain/chats/log.ts'
import { DeskStore } from './domain/desk/desk-store.ts'
import { DeskService } from './domain/desk/service.ts'
import type { AnswerBuffer, Bus, Probe, SessionStore } from './domain/ports.ts'
import { SessionPromoter } from './domain/sessions/promotion.ts'
import { SessionService } from './domain/sessions/service.ts'
import { Environment } from './environment.ts'
import { collectWhenIdle } from './idle-memory.ts'
import { inspectJobs } from './inspection.ts'
import { listen } from './listening.ts'
import { openLog } from './log.ts'
import { developmentSecret } from './secrets.ts'
import { EXIT_MS, stopInTurn } from './stopping.ts'
import { openSupport } from './support-services.ts'
import type { Lead } from './workers.ts'

/** A proxy that asks every second whether we are ready has heard by then that we are not, and sends no more calls. */
const NOTICE_MS = 1500
/** Sockets get this long to answer that they are closed, and services to end. */
const CLOSE_MS = 2000
/** Requests in flight, and answers in the background, get this long to finish once the server is told to stop. */
const FINISH_MS = 5000

/** `lead`: where this is one of several workers. */
async function serve(config: Config, lead?: Lead): Promise<void> {
  const { logger, written } = openLog(config)
  process.on('unhandledRejection', (fault) => {
    logger.fatal({ err: fault }, 'unhandled rejection')
    void written().finally(() => process.exit(1))
  })
  const secret = config.jwt.secret ?? (await developmentSecret(config.dataDirectory, 'jwt-secret'))

  const [database, shared] = await Promise.all([openDatabase(config.database), openShared(config, logger)])
  await migrate(database)
  const probes = { database, ...shared.probes }
  const sessions = new SessionService(shared.sessions, shared.bus)
  const tokens = new CallbackTokens([secret, ...config.jwt.previous])
  const answerers = config.answering ? await openAnswerers(config, tokens) : []
  const chats = await openChats(database, shared.bus, shared.buffer, {
    ...config.asking,
    answerers: answerers.map(({ name }) => name),
  })
  const promoter = new SessionPromoter(shared.sessions, chats.promoted)
  const { bus, buffer } = shared
  const { answers, callbacks, turns, dispatch } = await openAnswers({
    database,
    bus,
    buffer,
    chats,
    answerers,
    tokens,
    log: logger,
    limits: { ...config.answerTimes, filesLength: config.answerFilesLength },
  })
  const desk = new DeskService({ store: new DeskStore(database), chats: chats.chats, answers })
  const {
    support,
    desk: supportDesk,
    handOver,
    feed: deskFeed,
    ...supporting
  } = await openSupport(config, { database, bus, chats, answers, log: logger })
  const background = openBackground(config, { database, log: chats.log, secret, logger })
  const { files } = background.files
  const stopKeeping = keepData(database, chats.log, logger)
  const accounts = accountsOf(config, { database, bus: shared.bus, redis: shared.redis, secret })
  await accounts.revocations.start()
  const told = await makeFirstAdmin(accounts, config)
  if (told !== undefined) logger.warn(told)
  const { app, hub, health } = createApp(
    {
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
      files,
      bus: shared.bus,
      probes,
    },
    config,
    logger,
  )
  listen(config, (place) => app.listen({ ...place, reusePort: lead !== undefined }))
  if (lead === undefined) console.log(banner(config, app.server?.port ?? config.port, database.description))

  const stopCollecting = collectWhenIdle()
  // Once it serves: a start does not wait for it.
  if (config.jobsInServer) background.begin()

  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), EXIT_MS).unref()
    logger.info({ signal }, 'stopping')
    health.drain()
    // Ends by itself what it can end: a job that is cut off is done again.
    const idle = background.stop().catch((err: unknown) => logger.error({ err }, 'work in the background did not end'))
    await stopInTurn(
      [
        ...(config.trustProxy ? [{ name: 'notice', ms: CLOSE_MS, run: () => Bun.sleep(NOTICE_MS) }] : []),
        // A peer that is gone or does not answer the close is not waited for.
        { name: 'sockets', ms: CLOSE_MS, run: () => hub.close() },
        {
          name: 'calls and answers',
          ms: FINISH_MS,
          async run() {
            await app.server?.stop()
            // Nobody can ask any more.
            await dispatch.drain()
          },
        },
        { name: 'connections', ms: CLOSE_MS, run: () => app.server?.stop(true) },
        {
          name: 'services',
          ms: CLOSE_MS,
          run() {
            stopCollecting()
            stopKeeping()
            return Promise.all([dispatch.stop(), idle, supporting.stop(), chats.live.stop()])
          },
        },
        { name: 'shared stores', ms: CLOSE_MS, run: () => shared.close() },
        { name: 'database', ms: CLOSE_MS, run: () => database.close() },
      ],
      (err, step) => logger.warn({ err, step }, 'a step of stopping was left'),
    )
    logger.info('stopped')
    await written()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal))
  lead?.serves(database.description, () => void stop('the supervisor has ended'))
}

async function start(typed: string | undefined): Promise<void> {
  if (typed !== undefined && !isWorkers(typed)) throw new Error('--workers: expected a whole number from 1 to 256')
  const config = readConfig(typed === undefined ? process.env : { ...process.env, APP_WORKERS: typed })
  if (config.workers === 1) return serve(config)
  const { runWorkers } = await import('./workers.ts')
  const serving = (port: number, database: string) => console.log(banner(config, port, database))
  const { logger, written } = openLog(config)
  process.exit(await runWorkers(config, process.env, logger, serving).finally(written))
}

function isWorkers(typed: string): boolean {
  return typed !== '' && Environment.shape.APP_WORKERS.safeParse(typed).success
}

const HOUR_MS = 3_600_000

/**
 * Tells of what a process that died had committed and not told; then, hourly, has the database clean up. Returns the call
 * that ends it.
 */
function keepData(database: Database, log: ChatLog, logger: Logger): () => void {
  const tell = (work: string) => (err: unknown) => logger.error({ err }, `${work} failed`)
  const keep = async () => {
    await database.maintain().catch(tell('cleaning up the database'))
  }
  void log.retell().catch(tell('telling again of the newest events'))
  const timer = setInterval(() => void keep(), HOUR_MS)
  return () => clearInterval(timer)
}

/** What instances share: in Redis, or in this process where there is one alone. */
type Shared = {
  bus: Bus
  redis?: Redis
  sessions: SessionStore
  buffer: AnswerBuffer
  probes: Record<string, Probe>
  close(): void
}

async function openShared({ redis, sessions }: Config, logger: Logger): Promise<Shared> {
  if (redis === undefined) {
    const bus = new MemoryBus()
    const buffer = new MemoryAnswerBuffer(bus)
    return { bus, buffer, sessions: new MemorySessionStore(bus, sessions), probes: {}, close() {} }
  }
  // Loaded where it is wanted only: it takes a good part of the time to start.
  const [{ connectRedis }, { RedisBus }, { RedisSessionStore }, { RedisAnswerBuffer }] = await Promise.all([
    import('./adapters/redis/client.ts'),
    import('./adapters/redis/bus.ts'),
    import('./adapters/redis/sessions.ts'),
    import('./adapters/redis/answers.ts'),
  ])
  const connection = await connectRedis(redis.url, { prefix: redis.prefix })
  tellOfLosses(connection, logger)
  return {
    bus: new RedisBus(connection),
    redis: connection,
    sessions: new RedisSessionStore(connection, sessions),
    buffer: new RedisAnswerBuffer(connection),
    probes: { redis: connection },
    close: () => connection.close(),
  }
}

/** A line when Redis, or a part of it, is lost, and one when it is whole again. */
function tellOfLosses({ commands, subscriber }: Redis, logger: Logger): void {
  const lost = new Set<unknown>()
  for (const part of [commands, subscriber]) {
    part.watch({
      lost(err) {
        if (lost.size === 0) logger.error({ err }, 'Redis is lost')
        lost.add(part)
      },
      back() {
        if (lost.delete(part) && lost.size === 0) logger.info('Redis is back')
      },
    })
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

async function main(): Promise<void> {
  try {
    const command = commandOf(process.argv.slice(2))
    switch (command.name) {
      case 'admin':
        console.log(await administer(readConfig(process.env), command.args, askPassword))
        break
      case 'help':
        console.log(HELP)
        break
      case 'jobs':
        console.log(await inspectJobs(readConfig(process.env), command.args))
        break
      case 'work': {
        const config = readConfig(process.env)
        await runBackground(config, openLog(config))
        break
      }
      case 'worker': {
        const { Lead } = await import('./workers.ts')
        await serve(readConfig(process.env), new Lead())
        break
      }
      case 'start':
        await start(command.workers)
    }
  } catch (fault) {
    const message = fault instanceof Error ? fault.message : String(fault)
    for (const line of message.split('\n')) console.error(`parley: ${line}`)
    process.exit(1)
  }
}

// Not awaited: a file that waits at its top has no bytecode (build.ts).
void main()
