import type { BenchServer, Ground } from '../harness/ground.ts'

export const MAIN = new URL('../../../src/main.ts', import.meta.url)

type Options = {
  /** On Redis, else in memory. */
  redis?: boolean
  /** On Postgres, else embedded in this directory. */
  directory?: string
  env?: Record<string, string>
}

/** The real server as a product would run it: production mode, logging on, the documented APIs open. */
export async function parley(ground: Ground, options: Options = {}): Promise<BenchServer> {
  return ground.start(MAIN, await parleyEnv(ground, options))
}

/**
 * A limit that stands on what ours stands on: the same tables, secrets and settings. `prepare` is given our own server on
 * them, which is gone once the limit runs.
 */
export async function twin<Prepared>(
  ground: Ground,
  limit: URL,
  options: Options,
  prepare: (ours: BenchServer) => Promise<Prepared>,
): Promise<{ server: BenchServer; prepared: Prepared }> {
  const env = await parleyEnv(ground, options)
  const ours = await ground.start(MAIN, env)
  const prepared = await prepare(ours)
  await ours.stop()
  return { server: await ground.start(limit, env), prepared }
}

export async function parleyEnv(
  ground: Ground,
  { redis = false, directory, env = {} }: Options,
): Promise<Record<string, string>> {
  return {
    NODE_ENV: 'production',
    APP_HOST: '127.0.0.1',
    JWT_SECRET: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex'),
    PUBLIC_APIS: 'sessions,support,desk',
    ANSWERING: 'false',
    DATA_DIR: directory ?? (await ground.directory()),
    ...(directory === undefined ? { DATABASE_URL: await ground.stores.databaseUrl() } : {}),
    ...(redis ? { REDIS_URL: await ground.stores.redisUrl(), REDIS_PREFIX: await ground.stores.redisPrefix() } : {}),
    ...env,
  }
}
