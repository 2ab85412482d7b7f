import { type Database, type DatabaseTarget, openDatabase } from '../../../src/db/open.ts'
import { type TestDatabase, temporaryDirectory } from '../../support/database.ts'
import { Instance } from './instance.ts'

export type DeploymentOptions = {
  database: Pick<TestDatabase, 'place'>
  /** More than one need a database server and a Redis that they share. */
  instances?: number
  redisUrl?: string
  /** Of the environment, besides those that say where the stores are. */
  variables?: Record<string, string>
  /** Whatever takes longer fails. */
  limitMs: number
}

/** Limits that a script with many sockets of one account would meet. */
const NO_LIMITS = {
  LIMIT_SOCKETS_PER_ACCOUNT: '100000',
  LIMIT_SOCKETS_PER_ADDRESS: '100000',
  LIMIT_FRAMES_PER_SECOND: '100000',
}

/** Real servers on free ports, over stores of their own. */
export class Deployment {
  readonly instances: readonly Instance[]
  readonly target: DatabaseTarget
  /** Aborted when the time is over, or when it is closed. */
  readonly stop: AbortSignal
  readonly #closing = new AbortController()
  readonly #remove: () => Promise<void>

  private constructor(options: DeploymentOptions, target: DatabaseTarget, remove: () => Promise<void>) {
    const { instances = 1, redisUrl, variables, limitMs } = options
    this.target = target
    this.#remove = remove
    this.stop = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limitMs)])
    const environment = {
      ANSWERING: 'false',
      ...(target.kind === 'postgres' ? { DATABASE_URL: target.url } : {}),
      DATA_DIR: target.kind === 'postgres' ? temporaryDirectory() : target.directory,
      ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl, REDIS_PREFIX: `faults-${crypto.randomUUID()}:` }),
      JWT_SECRET: crypto.randomUUID(),
      LOG_LEVEL: 'silent',
      ...NO_LIMITS,
      ...variables,
    }
    this.instances = Array.from({ length: instances }, () => new Instance(environment))
  }

  /** Opens one, lets `use` have it, and removes all that it was, whatever happens. */
  static async with<T>(options: DeploymentOptions, use: (deployment: Deployment) => Promise<T>): Promise<T> {
    const { target, remove } = await options.database.place()
    const deployment = new Deployment(options, target, remove)
    try {
      return await deployment.within(use(deployment))
    } finally {
      await deployment.#close()
    }
  }

  /** Rejects when the time is over, or when an instance ended by itself. */
  async within<T>(work: Promise<T>): Promise<T> {
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(this.stop.reason)
    this.stop.addEventListener('abort', abort, { once: true })
    try {
      this.stop.throwIfAborted()
      return await Promise.race([work, aborted.promise])
    } finally {
      this.stop.removeEventListener('abort', abort)
    }
  }

  /** The same, and rejects as soon as what goes on beside it fails. */
  beside<T>(background: readonly Promise<unknown>[], work: Promise<T>): Promise<T> {
    const failed = Promise.all(background).then(() => new Promise<never>(() => {}))
    return this.within(Promise.race([work, failed]))
  }

  /** The address of one of the instances that serve, at random, or of the first that does. */
  address(): Promise<string> {
    const up = this.instances.filter((instance) => instance.up)
    const chosen = up[Math.floor(Math.random() * up.length)]
    return chosen === undefined ? Promise.any(this.instances.map(({ address }) => address)) : chosen.address
  }

  /** The address of one instance. */
  addressOf(index: number): Promise<string> {
    const instance = this.instances[index % this.instances.length]
    if (instance === undefined) throw new Error('There is no instance')
    return instance.address
  }

  /** Ends the servers, where the database takes one process alone, and reads what is stored. */
  async stored<T>(read: (database: Database) => Promise<T>): Promise<T> {
    if (this.target.kind === 'embedded') await this.end()
    const database = await openDatabase(this.target)
    try {
      return await read(database)
    } finally {
      await database.close()
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.end()))
  }

  async #close(): Promise<void> {
    this.#closing.abort(new Error('The deployment is closed'))
    await this.end()
    await this.#remove()
  }
}
