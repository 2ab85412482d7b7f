import { z } from 'zod'
import type { SessionLimits } from './domain/ports.ts'
import packageJson from '../package.json' with { type: 'json' }

export type DatabaseTarget =
  | { kind: 'postgres'; url: string; poolSize: number }
  | { kind: 'embedded'; directory: string }

export type PublicApi = 'sessions' | 'support' | 'desk'

/** A service of the embedding product's own, and the key it knows us by. */
export type Service = { url: string; apiKey: string | undefined }

export type Config = {
  production: boolean
  name: string
  version: string
  host: string
  port: number
  /** The address that clients use, without a slash at its end. */
  publicUrl: string
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  dataDirectory: string
  database: DatabaseTarget
  /** Not set: everything that Redis would hold is in this process. */
  redis: { url: string; prefix: string } | undefined
  /** Events of chats older than this many days are forgotten; the chats themselves are not. */
  eventRetentionDays: number
  sessions: SessionLimits
  /** Not set in development: one is made and kept in the data directory. */
  jwt: { secret: string | undefined; accessMinutes: number }
  uploads: { directory: string; maxBytes: number }
  aiService: Service | undefined
  previewService: Service | undefined
  /** Web origins that may call from a browser. `'local'`: any on this machine. `'*'`: any at all. */
  allowedOrigins: readonly string[] | 'local' | '*'
  publicApis: ReadonlySet<PublicApi>
}

const PUBLIC_APIS = ['sessions', 'support', 'desk'] as const

const port = z.coerce.number().int().min(0).max(65_535)
const count = z.coerce.number().int().positive()
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)
const flag = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', '1', '0', 'yes', 'no'], 'expected true or false'))
  .transform((word) => ['true', '1', 'yes'].includes(word))

/** Accepts SQLAlchemy's `postgresql+driver://` too, which the originals were configured with. */
const postgresUrl = z
  .string()
  .transform((url) => url.replace(/^postgres(ql)?(\+\w+)?:/, 'postgres:'))
  .pipe(z.url({ protocol: /^postgres$/, error: 'expected postgres://user:password@host:port/name' }))
const redisUrl = z.url({ protocol: /^rediss?$/, error: 'expected redis://host:port/number' })
const origin = z
  .string()
  .refine((text) => text === '*' || URL.parse(text)?.origin === text, 'expected origins such as https://app.example.com')
const serviceUrl = z.url({ protocol: /^https?$/, error: 'expected http(s)://host/path' })
const secret = z.string().min(32, 'expected at least 32 characters')

/** The environment: every variable that the server reads. An empty one counts as not set. */
export const Environment = z.object({
  NODE_ENV: z.string().default('development'),
  APP_NAME: z.string().default('Parley'),
  APP_VERSION: z.string().default(packageJson.version),
  APP_HOST: z.string().optional(),
  APP_PORT: port.default(8000),
  PUBLIC_URL: serviceUrl.optional(),
  DEBUG: flag.default(false),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).optional(),
  DATA_DIR: z.string().default('.parley'),

  DATABASE_URL: postgresUrl.optional(),
  DATABASE_POOL_SIZE: count.max(1000).default(10),
  DB_DRIVER: z.enum(['postgresql', 'postgres'], 'Parley stores in PostgreSQL only').optional(),
  DB_HOST: z.string().optional(),
  DB_PORT: port.default(5432),
  DB_USER: z.string().default('postgres'),
  DB_PASSWORD: z.string().default(''),
  DB_NAME: z.string().default('postgres'),

  REDIS_URL: redisUrl.optional(),
  REDIS_HOST: z.string().optional(),
  REDIS_PORT: port.default(6379),
  REDIS_DB: z.coerce.number().int().nonnegative().default(0),
  REDIS_PREFIX: z.string().regex(/^[^{}]*$/, 'expected no braces: they choose the cluster slot').default('parley:'),

  EVENT_RETENTION_DAYS: count.max(36_500).default(30),

  CHAT_SESSION_TTL_SECONDS: count.max(2_147_483).default(86_400),
  CHAT_SESSION_MAX_MESSAGES: count.max(100_000).default(1000),
  CHAT_SESSION_MAX_BYTES: count.min(262_144).max(67_108_864).default(4_194_304),

  JWT_SECRET: secret.optional(),
  SECRET_KEY: secret.optional(),
  JWT_ALGORITHM: z.literal('HS256', 'only HS256 is supported').default('HS256'),
  JWT_ACCESS_TOKEN_EXPIRE_MINUTES: count.default(60),

  UPLOAD_DIR: z.string().default('.parley/uploads'),
  MAX_UPLOAD_SIZE: count.default(10_485_760),

  AI_SERVICE_URL: serviceUrl.optional(),
  AI_SERVICE_API_KEY: z.string().optional(),
  PREVIEW_SERVICE_URL: serviceUrl.optional(),
  PREVIEW_SERVICE_API_KEY: z.string().optional(),

  ALLOWED_ORIGINS: list.pipe(z.array(origin)).optional(),
  PUBLIC_APIS: list.pipe(z.array(z.enum(PUBLIC_APIS, `expected some of ${PUBLIC_APIS.join(', ')}`))).optional(),
})

/** All that is wrong with the environment: a line for each variable. Values are not told, some are secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Throws `ConfigError` with every fault at once. */
export function readConfig(variables: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = Environment.safeParse(set)
  const faults = parsed.error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? []
  if (set['NODE_ENV'] === 'production') faults.push(...productionFaults(set))
  if (!parsed.success || faults.length > 0) throw new ConfigError([...new Set(faults)].join('\n'))
  const env = parsed.data
  const production = env.NODE_ENV === 'production'
  const postgres = env.DATABASE_URL ?? (env.DB_HOST === undefined ? undefined : postgresUrlOf(env, env.DB_HOST))
  const redis =
    env.REDIS_URL ??
    (env.REDIS_HOST === undefined ? undefined : `redis://${env.REDIS_HOST}:${env.REDIS_PORT}/${env.REDIS_DB}`)
  return {
    production,
    name: env.APP_NAME,
    version: env.APP_VERSION,
    host: env.APP_HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    port: env.APP_PORT,
    publicUrl: (env.PUBLIC_URL ?? `http://localhost:${env.APP_PORT}`).replace(/\/+$/, ''),
    logLevel: env.LOG_LEVEL ?? (env.DEBUG ? 'debug' : 'info'),
    dataDirectory: env.DATA_DIR,
    database:
      postgres === undefined
        ? { kind: 'embedded', directory: env.DATA_DIR }
        : { kind: 'postgres', url: postgres, poolSize: env.DATABASE_POOL_SIZE },
    redis: redis === undefined ? undefined : { url: redis, prefix: env.REDIS_PREFIX },
    eventRetentionDays: env.EVENT_RETENTION_DAYS,
    sessions: {
      ttlSeconds: env.CHAT_SESSION_TTL_SECONDS,
      maxMessages: env.CHAT_SESSION_MAX_MESSAGES,
      maxBytes: env.CHAT_SESSION_MAX_BYTES,
    },
    jwt: { secret: env.JWT_SECRET ?? env.SECRET_KEY, accessMinutes: env.JWT_ACCESS_TOKEN_EXPIRE_MINUTES },
    uploads: { directory: env.UPLOAD_DIR, maxBytes: env.MAX_UPLOAD_SIZE },
    aiService: serviceOf(env.AI_SERVICE_URL, env.AI_SERVICE_API_KEY),
    previewService: serviceOf(env.PREVIEW_SERVICE_URL, env.PREVIEW_SERVICE_API_KEY),
    allowedOrigins: env.ALLOWED_ORIGINS?.includes('*') ? '*' : (env.ALLOWED_ORIGINS ?? (production ? [] : 'local')),
    publicApis: new Set(env.PUBLIC_APIS ?? (production ? [] : PUBLIC_APIS)),
  }
}

function serviceOf(url: string | undefined, apiKey: string | undefined): Service | undefined {
  return url === undefined ? undefined : { url, apiKey }
}

/** What development allows and production must not. */
function productionFaults(set: Record<string, string | undefined>): string[] {
  const faults: string[] = []
  const jwt = set['JWT_SECRET'] ?? set['SECRET_KEY']
  if (jwt === undefined) faults.push('JWT_SECRET: is required in production (`openssl rand -hex 32` makes one)')
  else if (/change|secret|example|your_/i.test(jwt)) faults.push('JWT_SECRET: looks like an example, not like a secret')
  if (set['ALLOWED_ORIGINS']?.split(',').some((part) => part.trim() === '*')) {
    faults.push('ALLOWED_ORIGINS: must name the origins in production, not *')
  }
  return faults
}

type DatabaseParts = { DB_USER: string; DB_PASSWORD: string; DB_PORT: number; DB_NAME: string }

function postgresUrlOf(env: DatabaseParts, host: string): string {
  const url = new URL(`postgres://${host}:${env.DB_PORT}/${encodeURIComponent(env.DB_NAME)}`)
  url.username = encodeURIComponent(env.DB_USER)
  url.password = encodeURIComponent(env.DB_PASSWORD)
  return url.href
}
