import type { AnswererName } from './contract/answering.ts'
import type { AttemptLimits } from './domain/accounts/ports.ts'
import type { SessionLimits } from './domain/ports.ts'
import { Environment, PUBLIC_APIS } from './environment.ts'

export type DatabaseTarget =
  | { kind: 'postgres'; url: string; poolSize: number }
  | { kind: 'embedded'; directory: string }

export type PublicApi = 'sessions' | 'support' | 'desk'

/** Who signs the users of the embedding product in, and where its keys are. */
export type Issuer = { jwksUrl: string; issuer: string; audience: string }

/** A service of the embedding product's own, and the key it knows us by. */
export type Service = { url: string; apiKey: string | undefined }

/** A bucket of an S3-compatible store. */
export type Bucket = {
  endpoint: string | undefined
  region: string | undefined
  bucket: string
  /** Put before every name. */
  prefix: string
  accessKeyId: string
  secretAccessKey: string
}

export type Config = {
  production: boolean
  name: string
  version: string
  host: string
  port: number
  /** So many processes share the port; more than one share a database and a Redis too. */
  workers: number
  /** The address that clients use, without a slash at its end. */
  publicUrl: string
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  dataDirectory: string
  database: DatabaseTarget
  /** Not set: everything that Redis would hold is in this process. */
  redis: { url: string; prefix: string } | undefined
  /** Events of chats older than this many days are forgotten; the chats themselves are not. */
  eventRetentionDays: number
  /** Chats that were deleted this many days ago are removed for good. */
  deletedChatDays: number
  sessions: SessionLimits
  /** Not set in development: one is made and kept in the data directory. */
  jwt: {
    secret: string | undefined
    /** Secrets of before, for tokens that are still about. */
    previous: readonly string[]
    issuer: string
    audience: string
    accessMinutes: number
    refreshDays: number
  }
  externalIssuer: Issuer | undefined
  /** What a trusted back end shows. */
  serviceKey: string | undefined
  /** Made at start where there is no admin yet. */
  firstAdmin: { email: string; username: string | undefined; password: string } | undefined
  attempts: AttemptLimits
  /** Sockets that may be open in one process, frames a second, and how long a client of the Chats API may send none. */
  sockets: { perAccount: number; perAddress: number; framesPerSecond: number; silentSeconds: number }
  /** One proxy stands in front and tells in X-Forwarded-For who calls. */
  trustProxy: boolean
  /** `bucket`: files are there; `directory` then only holds them on their way. */
  uploads: { directory: string; maxBytes: number; quotaBytes: number; bucket: Bucket | undefined }
  /** Whether servers do the work in the background too; else it is for `bun run worker`. */
  jobsInServer: boolean
  /** Who gives waiting sessions to agents, themselves or the server, and how many each takes at once. */
  support: { routing: 'manual' | 'least_busy'; sessionsPerAgent: number }
  /** Whether anything answers what users say. */
  answering: boolean
  /** How long an answer may take: until its first piece, between two, and as a whole. In milliseconds. */
  answerTimes: { firstMs: number; betweenMs: number; wholeMs: number }
  /** Of what is in files, as it goes with a question. In UTF-16 code units. */
  answerFilesLength: number
  /** Who answers where the chat names nobody; the first that is configured where it is not set. */
  answerer: AnswererName | undefined
  /** What goes with every question, where its chat does not say. */
  asking: { systemPrompt: string | null; historyMessages: number; historyLength: number }
  aiService: Service | undefined
  /** A chat-completions endpoint, and the model of it that answers. */
  openai: { baseUrl: string; apiKey: string | undefined; model: string } | undefined
  /** Whether services at private addresses may be asked. */
  outgoingAllowPrivate: boolean
  previewService: Service | undefined
  /** Web origins that may call from a browser. `'local'`: any on this machine. `'*'`: any at all. */
  allowedOrigins: readonly string[] | 'local' | '*'
  publicApis: ReadonlySet<PublicApi>
}

/** All that is wrong with the environment: a line for each variable. Values are not told, some are secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Throws `ConfigError` with every fault at once. */
export function readConfig(variables: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''))
  // Read once: to compile the schema for that would take longer than to read by it.
  const parsed = Environment.safeParse(set, { jitless: true })
  const faults = parsed.error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? []
  faults.push(...missingParts(set))
  faults.push(...missingKey(set))
  faults.push(...missingAnswerer(set))
  if (set['NODE_ENV'] === 'production') faults.push(...productionFaults(set))
  if (Number(set['APP_WORKERS']) > 1) faults.push(...alone(set))
  if (!parsed.success || faults.length > 0) throw new ConfigError([...new Set(faults)].join('\n'))
  const env = parsed.data
  const production = env.NODE_ENV === 'production'
  const postgres = env.DATABASE_URL ?? (env.DB_HOST === undefined ? undefined : postgresUrlOf(env, env.DB_HOST))
  const redis =
    env.REDIS_URL ??
    (env.REDIS_HOST === undefined ? undefined : `redis://${inUrl(env.REDIS_HOST)}:${env.REDIS_PORT}/${env.REDIS_DB}`)
  return {
    production,
    name: env.APP_NAME,
    version: env.APP_VERSION,
    host: env.APP_HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    port: env.APP_PORT,
    workers: env.APP_WORKERS,
    publicUrl: (env.PUBLIC_URL ?? `http://localhost:${env.APP_PORT}`).replace(/\/+$/, ''),
    logLevel: env.LOG_LEVEL ?? (env.DEBUG ? 'debug' : 'info'),
    dataDirectory: env.DATA_DIR,
    database:
      postgres === undefined
        ? { kind: 'embedded', directory: env.DATA_DIR }
        : { kind: 'postgres', url: postgres, poolSize: env.DATABASE_POOL_SIZE },
    redis: redis === undefined ? undefined : { url: redis, prefix: env.REDIS_PREFIX },
    eventRetentionDays: env.EVENT_RETENTION_DAYS,
    deletedChatDays: env.DELETED_CHAT_DAYS,
    sessions: {
      ttlSeconds: env.CHAT_SESSION_TTL_SECONDS,
      maxMessages: env.CHAT_SESSION_MAX_MESSAGES,
      maxBytes: env.CHAT_SESSION_MAX_BYTES,
    },
    jwt: {
      secret: env.JWT_SECRET ?? env.SECRET_KEY,
      previous: env.JWT_SECRET_PREVIOUS,
      issuer: env.JWT_ISSUER,
      audience: env.JWT_AUDIENCE,
      accessMinutes: env.JWT_ACCESS_TOKEN_EXPIRE_MINUTES,
      refreshDays: env.REFRESH_TOKEN_EXPIRE_DAYS,
    },
    externalIssuer:
      env.AUTH_JWKS_URL && env.AUTH_ISSUER && env.AUTH_AUDIENCE
        ? { jwksUrl: env.AUTH_JWKS_URL, issuer: env.AUTH_ISSUER, audience: env.AUTH_AUDIENCE }
        : undefined,
    serviceKey: env.SERVICE_API_KEY,
    firstAdmin:
      env.ADMIN_EMAIL && env.ADMIN_PASSWORD
        ? { email: env.ADMIN_EMAIL, username: env.ADMIN_USERNAME, password: env.ADMIN_PASSWORD }
        : undefined,
    attempts: {
      // In development everybody has the one address.
      address: env.LIMIT_AUTH_PER_MINUTE ?? (production ? 120 : 100_000),
      register: env.LIMIT_REGISTER_PER_HOUR ?? (production ? 30 : 100_000),
      password: env.LIMIT_PASSWORD_TRIES,
    },
    sockets: {
      perAccount: env.LIMIT_SOCKETS_PER_ACCOUNT,
      perAddress: env.LIMIT_SOCKETS_PER_ADDRESS ?? (production ? 1000 : 100_000),
      framesPerSecond: env.LIMIT_FRAMES_PER_SECOND,
      silentSeconds: env.CHAT_SOCKET_SILENT_SECONDS,
    },
    trustProxy: env.TRUST_PROXY,
    uploads: {
      directory: env.UPLOAD_DIR,
      maxBytes: env.MAX_UPLOAD_SIZE,
      quotaBytes: env.UPLOAD_QUOTA,
      bucket:
        env.S3_BUCKET && env.S3_ACCESS_KEY_ID && env.S3_SECRET_ACCESS_KEY
          ? {
              endpoint: env.S3_ENDPOINT,
              region: env.S3_REGION,
              bucket: env.S3_BUCKET,
              prefix: env.S3_PREFIX,
              accessKeyId: env.S3_ACCESS_KEY_ID,
              secretAccessKey: env.S3_SECRET_ACCESS_KEY,
            }
          : undefined,
    },
    jobsInServer: env.JOBS_IN_SERVER,
    support: { routing: env.SUPPORT_ROUTING, sessionsPerAgent: env.SUPPORT_SESSIONS_PER_AGENT },
    answering: env.ANSWERING,
    answerTimes: {
      firstMs: env.ANSWER_FIRST_SECONDS * 1000,
      betweenMs: env.ANSWER_PAUSE_SECONDS * 1000,
      wholeMs: env.ANSWER_SECONDS * 1000,
    },
    answerFilesLength: env.AI_FILES_LENGTH,
    answerer: env.ANSWERER,
    asking: {
      systemPrompt: env.AI_SYSTEM_PROMPT ?? null,
      historyMessages: env.AI_HISTORY_MESSAGES,
      historyLength: env.AI_HISTORY_LENGTH,
    },
    aiService: serviceOf(env.AI_SERVICE_URL, env.AI_SERVICE_API_KEY),
    openai:
      env.OPENAI_MODEL === undefined
        ? undefined
        : { baseUrl: env.OPENAI_BASE_URL, apiKey: env.OPENAI_API_KEY, model: env.OPENAI_MODEL },
    outgoingAllowPrivate: env.OUTGOING_ALLOW_PRIVATE ?? !production,
    previewService: serviceOf(env.PREVIEW_SERVICE_URL, env.PREVIEW_SERVICE_API_KEY),
    allowedOrigins: env.ALLOWED_ORIGINS?.includes('*') ? '*' : (env.ALLOWED_ORIGINS ?? (production ? [] : 'local')),
    publicApis: new Set(env.PUBLIC_APIS ?? (production ? [] : PUBLIC_APIS)),
  }
}

function serviceOf(url: string | undefined, apiKey: string | undefined): Service | undefined {
  return url === undefined ? undefined : { url, apiKey }
}

/** Variables that say nothing without each other. */
const TOGETHER = [
  ['AUTH_JWKS_URL', 'AUTH_ISSUER', 'AUTH_AUDIENCE'],
  ['ADMIN_EMAIL', 'ADMIN_PASSWORD'],
  ['S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
]

function missingParts(set: Record<string, string | undefined>): string[] {
  const halves = TOGETHER.filter((names) => names.some((name) => set[name] !== undefined))
  return halves.flatMap((names) =>
    names.flatMap((name) => (set[name] === undefined ? [`${name}: goes together with ${names.join(', ')}`] : [])),
  )
}

/** Services of one's own may want no key; OpenAI does. */
function missingKey(set: Record<string, string | undefined>): string[] {
  const keyless = set['OPENAI_MODEL'] !== undefined && set['OPENAI_API_KEY'] === undefined
  return keyless && set['OPENAI_BASE_URL'] === undefined
    ? ['OPENAI_API_KEY: is required with OPENAI_MODEL, unless OPENAI_BASE_URL names another service than OpenAI']
    : []
}

/** One that is named is set up. */
function missingAnswerer({ ANSWERER, AI_SERVICE_URL, OPENAI_MODEL }: Record<string, string | undefined>): string[] {
  if (ANSWERER === 'callback' && AI_SERVICE_URL === undefined) return ['ANSWERER: callback goes with AI_SERVICE_URL']
  if (ANSWERER === 'openai' && OPENAI_MODEL === undefined) return ['ANSWERER: openai goes with OPENAI_MODEL']
  return []
}

/** Of what each process would have one of its own. */
function alone(set: Record<string, string | undefined>): string[] {
  const stores = [
    ['DATABASE_URL', 'DB_HOST', 'the embedded database is for one process'],
    ['REDIS_URL', 'REDIS_HOST', 'what is kept in memory is for one process'],
  ] as const
  return stores.flatMap(([url, host, why]) =>
    set[url] === undefined && set[host] === undefined ? [`${url}: is required with more than one worker: ${why}`] : [],
  )
}

/** What development allows and production must not. */
function productionFaults(set: Record<string, string | undefined>): string[] {
  const faults: string[] = []
  if ((set['JWT_SECRET'] ?? set['SECRET_KEY']) === undefined) {
    faults.push('JWT_SECRET: is required in production (`openssl rand -hex 32` makes one)')
  }
  for (const name of ['JWT_SECRET', 'SECRET_KEY', 'JWT_SECRET_PREVIOUS', 'SERVICE_API_KEY', 'ADMIN_PASSWORD']) {
    if (/change|secret|example|your_/i.test(set[name] ?? ''))
      faults.push(`${name}: looks like an example, not like a secret`)
  }
  if (set['ALLOWED_ORIGINS']?.split(',').some((part) => part.trim() === '*')) {
    faults.push('ALLOWED_ORIGINS: must name the origins in production, not *')
  }
  return faults
}

/** An IPv6 address is in brackets there. */
function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

type DatabaseParts = { DB_USER: string; DB_PASSWORD: string; DB_PORT: number; DB_NAME: string }

function postgresUrlOf(env: DatabaseParts, host: string): string {
  const url = new URL(`postgres://${inUrl(host)}:${env.DB_PORT}/${encodeURIComponent(env.DB_NAME)}`)
  url.username = encodeURIComponent(env.DB_USER)
  url.password = encodeURIComponent(env.DB_PASSWORD)
  return url.href
}
