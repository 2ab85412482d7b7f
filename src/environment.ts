import { z } from 'zod'
import packageJson from '../package.json' with { type: 'json' }
import { Email, Password, Username } from './contract/accounts.ts'
import { AnswererName, HistoryLength, HistoryMessages, SystemPrompt } from './contract/answering.ts'

export const PUBLIC_APIS = ['sessions', 'support', 'desk'] as const

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
const REDIS_URL = 'expected redis://host:port/number'
const redisUrl = z
  .url({ protocol: /^rediss?$/, error: REDIS_URL })
  .refine((url) => /^\/?\d*$/.test(URL.parse(url)?.pathname ?? ''), REDIS_URL)
const host = z.union([z.string().regex(/^[\w.-]+$/), z.ipv6()], 'expected a host name or an IP address')
const origin = z
  .string()
  .refine(
    (text) => text === '*' || URL.parse(text)?.origin === text,
    'expected origins such as https://app.example.com',
  )
const serviceUrl = z.url({ protocol: /^https?$/, error: 'expected http(s)://host/path' })
/** Eight different characters are few, and still more than a filler has. */
const secret = z
  .string()
  .trim()
  .refine((text) => text.length >= 32 && new Set(text).size >= 8, 'expected at least 32 characters, chosen at random')

/** The environment: every variable that the server reads. An empty one counts as not set. */
export const Environment = z.object({
  NODE_ENV: z
    .enum(['development', 'production', 'test'], 'expected development, production or test')
    .default('development'),
  APP_NAME: z.string().default('Parley'),
  APP_VERSION: z.string().default(packageJson.version),
  APP_HOST: host.optional(),
  APP_PORT: port.default(8000),
  APP_WORKERS: count.max(256).default(1),
  PUBLIC_URL: serviceUrl.optional(),
  DEBUG: flag.default(false),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).optional(),
  DATA_DIR: z.string().default('.parley'),

  DATABASE_URL: postgresUrl.optional(),
  DATABASE_POOL_SIZE: count.max(1000).default(10),
  DB_DRIVER: z.enum(['postgresql', 'postgres'], 'Parley stores in PostgreSQL only').optional(),
  DB_HOST: host.optional(),
  DB_PORT: port.default(5432),
  DB_USER: z.string().default('postgres'),
  DB_PASSWORD: z.string().default(''),
  DB_NAME: z.string().default('postgres'),

  REDIS_URL: redisUrl.optional(),
  REDIS_HOST: host.optional(),
  REDIS_PORT: port.default(6379),
  REDIS_DB: z.coerce.number().int().nonnegative().default(0),
  REDIS_PREFIX: z
    .string()
    .regex(/^[^{}]*$/, 'expected no braces: they choose the cluster slot')
    .default('parley:'),

  EVENT_RETENTION_DAYS: count.max(36_500).default(30),
  DELETED_CHAT_DAYS: count.max(36_500).default(30),

  CHAT_SESSION_TTL_SECONDS: count.max(2_147_483).default(86_400),
  CHAT_SESSION_MAX_MESSAGES: count.max(100_000).default(1000),
  CHAT_SESSION_MAX_BYTES: count.min(262_144).max(67_108_864).default(4_194_304),

  JWT_SECRET: secret.optional(),
  SECRET_KEY: secret.optional(),
  JWT_ALGORITHM: z.literal('HS256', 'only HS256 is supported').default('HS256'),
  JWT_SECRET_PREVIOUS: list.pipe(z.array(secret)).default([]),
  JWT_ISSUER: z.string().default('parley'),
  JWT_AUDIENCE: z.string().default('parley'),
  JWT_ACCESS_TOKEN_EXPIRE_MINUTES: count.max(525_600).default(60),
  REFRESH_TOKEN_EXPIRE_DAYS: count.max(3650).default(30),

  AUTH_JWKS_URL: serviceUrl.optional(),
  AUTH_ISSUER: z.string().optional(),
  AUTH_AUDIENCE: z.string().optional(),
  SERVICE_API_KEY: secret.optional(),

  ADMIN_EMAIL: z.string().pipe(Email).optional(),
  ADMIN_USERNAME: Username.optional(),
  ADMIN_PASSWORD: Password.optional(),

  LIMIT_AUTH_PER_MINUTE: count.optional(),
  LIMIT_REGISTER_PER_HOUR: count.optional(),
  LIMIT_PASSWORD_TRIES: count.default(10),
  LIMIT_SOCKETS_PER_ACCOUNT: count.default(100),
  LIMIT_SOCKETS_PER_ADDRESS: count.optional(),
  LIMIT_FRAMES_PER_SECOND: count.default(100),
  CHAT_SOCKET_SILENT_SECONDS: count.max(86_400).default(300),
  TRUST_PROXY: flag.default(false),

  UPLOAD_DIR: z.string().default('.parley/uploads'),
  MAX_UPLOAD_SIZE: count.max(4_294_967_296).default(10_485_760),
  JOBS_IN_SERVER: flag.default(true),
  UPLOAD_QUOTA: count.default(1_073_741_824),
  S3_BUCKET: z.string().optional(),
  S3_ENDPOINT: serviceUrl.optional(),
  S3_REGION: z.string().optional(),
  S3_PREFIX: z.string().max(200).default(''),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),

  ANSWERING: flag.default(true),
  ANSWER_FIRST_SECONDS: count.max(3600).default(60),
  ANSWER_PAUSE_SECONDS: count.max(3600).default(30),
  ANSWER_SECONDS: count.max(86_400).default(600),
  AI_SERVICE_URL: serviceUrl.optional(),
  AI_SERVICE_API_KEY: z.string().optional(),
  OPENAI_BASE_URL: serviceUrl.default('https://api.openai.com/v1'),
  OPENAI_API_KEY: z
    .string()
    .trim()
    .regex(/^[!-~]+$/, 'expected a key without spaces')
    .optional(),
  ANSWERER: AnswererName.optional(),
  AI_SYSTEM_PROMPT: SystemPrompt.optional(),
  AI_HISTORY_MESSAGES: z.coerce.number().pipe(HistoryMessages).default(50),
  AI_HISTORY_LENGTH: z.coerce.number().pipe(HistoryLength).default(32_768),
  AI_FILES_LENGTH: z.coerce.number().int().nonnegative().max(1_000_000).default(32_768),
  OPENAI_MODEL: z.string().trim().min(1).optional(),
  OUTGOING_ALLOW_PRIVATE: flag.optional(),
  PREVIEW_SERVICE_URL: serviceUrl.optional(),
  PREVIEW_SERVICE_API_KEY: z.string().optional(),

  SUPPORT_ROUTING: z.enum(['manual', 'least_busy']).default('manual'),
  SUPPORT_SESSIONS_PER_AGENT: count.max(1000).default(5),

  ALLOWED_ORIGINS: list.pipe(z.array(origin)).optional(),
  PUBLIC_APIS: list.pipe(z.array(z.enum(PUBLIC_APIS, `expected some of ${PUBLIC_APIS.join(', ')}`))).optional(),
})
