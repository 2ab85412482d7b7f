import { describe, expect, test } from 'bun:test'
import { ConfigError, readConfig } from '../../src/config.ts'
import { Environment } from '../../src/environment.ts'

const SECRET = '0123456789abcdef'.repeat(4)
const production = { NODE_ENV: 'production', JWT_SECRET: SECRET }

/** The lines that refuse these variables; none when they are taken. */
function faultsOf(variables: Record<string, string>): string[] {
  try {
    readConfig(variables)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
}

describe('the configuration of a newcomer', () => {
  test('needs nothing: embedded stores, this machine alone, open APIs', () => {
    const config = readConfig({})
    expect(config).toMatchObject({
      production: false,
      host: '127.0.0.1',
      port: 8000,
      publicUrl: 'http://localhost:8000',
      database: { kind: 'embedded', directory: '.parley' },
      allowedOrigins: 'local',
      sessions: { ttlSeconds: 86_400, maxMessages: 1000 },
    })
    expect(config.redis).toBeUndefined()
    expect([...config.publicApis]).toEqual(['sessions', 'support', 'desk'])
  })

  test('is the same with every variable set to nothing', () => {
    const empty = Object.fromEntries(Object.keys(Environment.shape).map((name) => [name, '']))
    expect(readConfig(empty)).toEqual(readConfig({}))
  })
})

describe('the names of the documented services', () => {
  test.each([
    'postgresql://u:p@db:5432/chat',
    'postgres://u:p@db:5432/chat',
    'postgresql+asyncpg://u:p@db:5432/chat',
    'postgresql+psycopg2://u:p@db:5432/chat',
  ])('DATABASE_URL takes %s', (url) => {
    expect(readConfig({ DATABASE_URL: url }).database).toEqual({
      kind: 'postgres',
      url: 'postgres://u:p@db:5432/chat',
      poolSize: 10,
    })
  })

  test('DB_HOST and its parts make the same, whatever is in the password', () => {
    const parts = {
      DB_HOST: 'db',
      DB_PORT: '5433',
      DB_USER: 'ann@home',
      DB_PASSWORD: 'a/b:c@d %?#',
      DB_NAME: 'chat log',
    }
    const { database } = readConfig(parts)
    const url = new URL(database.kind === 'postgres' ? database.url : '')
    expect(url.host).toBe('db:5433')
    expect(decodeURIComponent(url.username)).toBe('ann@home')
    expect(decodeURIComponent(url.password)).toBe('a/b:c@d %?#')
    expect(decodeURIComponent(url.pathname)).toBe('/chat log')
  })

  test('DATABASE_URL goes before DB_HOST, REDIS_URL before REDIS_HOST', () => {
    const config = readConfig({
      DATABASE_URL: 'postgres://one/chat',
      DB_HOST: 'two',
      REDIS_URL: 'redis://one:6379/1',
      REDIS_HOST: 'two',
    })
    expect(config.database).toMatchObject({ url: 'postgres://one/chat' })
    expect(config.redis?.url).toBe('redis://one:6379/1')
  })

  test('REDIS_HOST, REDIS_PORT and REDIS_DB make a URL', () => {
    expect(readConfig({ REDIS_HOST: 'cache', REDIS_PORT: '6380', REDIS_DB: '2' }).redis).toEqual({
      url: 'redis://cache:6380/2',
      prefix: 'parley:',
    })
  })

  test('a host may be an IPv6 address', () => {
    expect(readConfig({ DB_HOST: '::1' }).database).toMatchObject({ url: 'postgres://postgres@[::1]:5432/postgres' })
    expect(readConfig({ REDIS_HOST: '::1' }).redis?.url).toBe('redis://[::1]:6379/0')
  })

  test('SECRET_KEY is another name for JWT_SECRET', () => {
    expect(readConfig({ NODE_ENV: 'production', SECRET_KEY: SECRET }).jwt.secret).toBe(SECRET)
  })

  test('a session lives as long as CHAT_SESSION_TTL_SECONDS says', () => {
    expect(readConfig({ CHAT_SESSION_TTL_SECONDS: '60' }).sessions.ttlSeconds).toBe(60)
  })
})

describe('answers', () => {
  test('are those of a demo until OPENAI_MODEL names a model, whatever else is set', () => {
    expect(readConfig({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: 'http://localhost/v1' }).openai).toBeUndefined()
  })

  test('are those of a model of OpenAI, with a key, or of another service, with or without', () => {
    expect(readConfig({ OPENAI_MODEL: 'small', OPENAI_API_KEY: 'key' }).openai).toEqual({
      baseUrl: 'https://api.openai.com/v1',
      apiKey: 'key',
      model: 'small',
    })
    expect(readConfig({ OPENAI_MODEL: 'small', OPENAI_BASE_URL: 'http://localhost:11434/v1' }).openai).toEqual({
      baseUrl: 'http://localhost:11434/v1',
      apiKey: undefined,
      model: 'small',
    })
    expect(faultsOf({ OPENAI_MODEL: 'small' })).toEqual([expect.stringContaining('OPENAI_API_KEY: is required')])
  })

  test('are asked for of the first that is configured, or of the one that is named', () => {
    expect(readConfig({ ANSWERER: 'demo', AI_HISTORY_MESSAGES: '0', AI_SYSTEM_PROMPT: 'Be brief.' })).toMatchObject({
      answerer: 'demo',
      asking: { systemPrompt: 'Be brief.', historyMessages: 0, historyLength: 32_768 },
    })
    expect(faultsOf({ ANSWERER: 'callback' })).toEqual(['ANSWERER: callback goes with AI_SERVICE_URL'])
    expect(faultsOf({ ANSWERER: 'openai' })).toEqual(['ANSWERER: openai goes with OPENAI_MODEL'])
    expect(faultsOf({ AI_HISTORY_MESSAGES: '201' })).toEqual([expect.stringContaining('AI_HISTORY_MESSAGES')])
  })

  test('come from private addresses in development, and in production where that is said', () => {
    expect(readConfig({}).outgoingAllowPrivate).toBe(true)
    expect(readConfig({ OUTGOING_ALLOW_PRIVATE: 'false' }).outgoingAllowPrivate).toBe(false)
    expect(readConfig(production).outgoingAllowPrivate).toBe(false)
    expect(readConfig({ ...production, OUTGOING_ALLOW_PRIVATE: 'true' }).outgoingAllowPrivate).toBe(true)
  })
})

describe('accounts', () => {
  test('are limited by address in production alone, and by tries everywhere', () => {
    expect(readConfig({}).attempts).toEqual({ address: 100_000, register: 100_000, password: 10 })
    expect(readConfig(production).attempts).toEqual({ address: 120, register: 30, password: 10 })
    expect(readConfig({ ...production, LIMIT_REGISTER_PER_HOUR: '5' }).attempts.register).toBe(5)
  })

  test('take the tokens of an issuer that is told in full', () => {
    const parts = {
      AUTH_JWKS_URL: 'https://login.example.com/jwks',
      AUTH_ISSUER: 'https://login.example.com',
      AUTH_AUDIENCE: 'chat',
    }
    expect(readConfig(parts).externalIssuer).toEqual({
      jwksUrl: parts.AUTH_JWKS_URL,
      issuer: parts.AUTH_ISSUER,
      audience: parts.AUTH_AUDIENCE,
    })
    for (const name of Object.keys(parts)) {
      expect(faultsOf({ ...parts, [name]: '' })).toEqual([
        `${name}: goes together with AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE`,
      ])
    }
  })

  test.each([
    ['AUTH_JWKS_URL', 'file:///etc/passwd'],
    ['SERVICE_API_KEY', 'too-short'],
    ['JWT_SECRET_PREVIOUS', `${SECRET},short`],
    ['ADMIN_PASSWORD', 'short'],
    ['ADMIN_EMAIL', 'nobody'],
  ])('do not take %s=%s', (name, value) => {
    expect(
      faultsOf({ [name]: value }).filter((line) => line.startsWith(name) && !line.includes('goes together')),
    ).toHaveLength(1)
  })

  test.each(['SERVICE_API_KEY', 'JWT_SECRET_PREVIOUS', 'ADMIN_PASSWORD'])(
    'refuse an example as %s in production',
    (name) => {
      const faults = faultsOf({
        ...production,
        ADMIN_EMAIL: 'a@b.co',
        ADMIN_PASSWORD: 'Fine-pass-9',
        [name]: `your_key_${SECRET}`,
      })
      expect(faults.filter((line) => line.startsWith(name))).toEqual([
        `${name}: looks like an example, not like a secret`,
      ])
    },
  )
})

describe('what is wrong', () => {
  test('is told all at once, a line for each variable', () => {
    const faults = faultsOf({
      NODE_ENV: 'production',
      APP_PORT: 'eighty',
      DATABASE_URL: 'mysql://db/chat',
      REDIS_URL: 'localhost',
      CHAT_SESSION_TTL_SECONDS: '0',
      PUBLIC_APIS: 'everything',
      ALLOWED_ORIGINS: '*',
      DEBUG: 'perhaps',
    })
    expect(faults.map((line) => line.split(':')[0]?.split('.')[0]).sort()).toEqual([
      'ALLOWED_ORIGINS',
      'APP_PORT',
      'CHAT_SESSION_TTL_SECONDS',
      'DATABASE_URL',
      'DEBUG',
      'JWT_SECRET',
      'PUBLIC_APIS',
      'REDIS_URL',
    ])
  })

  test.each(Object.keys(Environment.shape))('is told of %s without its value', (name) => {
    const value = 'hunter2-\u0000{}'
    for (const line of faultsOf({ [name]: value, NODE_ENV: 'production' })) expect(line).not.toContain('hunter2')
  })

  test.each(['postgres://u:hunter2@db:99999/chat', 'http://u:hunter2@db/chat'])(
    'in DATABASE_URL keeps its password',
    (url) => {
      const faults = faultsOf({ DATABASE_URL: url })
      expect(faults).toHaveLength(1)
      expect(faults[0]).not.toContain('hunter2')
    },
  )

  test.each([
    ['APP_PORT', '65536'],
    ['APP_PORT', '80.5'],
    ['APP_PORT', '-1'],
    ['APP_WORKERS', '0'],
    ['APP_WORKERS', 'two'],
    ['CHAT_SESSION_TTL_SECONDS', '1e400'],
    ['CHAT_SESSION_MAX_MESSAGES', 'NaN'],
    ['ALLOWED_ORIGINS', 'https://app.example.com/path'],
    ['ALLOWED_ORIGINS', 'app.example.com'],
    ['PUBLIC_URL', 'file:///etc/passwd'],
    ['AI_SERVICE_URL', 'file:///etc/passwd'],
    ['OPENAI_BASE_URL', 'file:///etc/passwd'],
    ['OPENAI_API_KEY', 'two words'],
    ['OUTGOING_ALLOW_PRIVATE', 'perhaps'],
    ['JWT_ALGORITHM', 'none'],
    ['DB_DRIVER', 'mysql'],
    ['REDIS_PREFIX', '{slot}'],
    ['REDIS_URL', 'redis://cache:6379/first'],
    ['REDIS_HOST', 'my cache'],
    ['DB_HOST', 'db:5432'],
    ['DB_HOST', '/var/run/postgresql'],
    ['APP_HOST', 'http://localhost'],
  ])('is %s=%s', (name, value) => {
    const faults = faultsOf({ [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toStartWith(name)
  })
})

describe('production', () => {
  test('starts with a secret, for named origins, with no API open', () => {
    const config = readConfig({ ...production, ALLOWED_ORIGINS: 'https://a.example.com, https://b.example.com' })
    expect(config.allowedOrigins).toEqual(['https://a.example.com', 'https://b.example.com'])
    expect(config.publicApis.size).toBe(0)
    expect(config.host).toBe('0.0.0.0')
    expect(readConfig(production).allowedOrigins).toEqual([])
  })

  test.each([
    ['none', ''],
    ['a short one', 'f'.repeat(31)],
    ['an example', 'your_secret_key_here_your_secret_key_here'],
    ['blank', ' '.repeat(40)],
    ['one letter again and again', 'x'.repeat(64)],
    ['one to change', 'change-me-change-me-change-me-change-me'],
  ])('refuses a JWT_SECRET that is %s, in one line', (_, secret) => {
    const faults = faultsOf({ NODE_ENV: 'production', JWT_SECRET: secret })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toStartWith('JWT_SECRET: ')
    if (secret !== '') expect(faults[0]).not.toContain(secret)
  })

  test.each(['*', 'https://a.example.com,*', ' * '])('refuses ALLOWED_ORIGINS=%s, in one line', (origins) => {
    expect(faultsOf({ ...production, ALLOWED_ORIGINS: origins })).toEqual([
      'ALLOWED_ORIGINS: must name the origins in production, not *',
    ])
  })
})
