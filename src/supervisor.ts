import type { Logger } from 'pino'

/** A worker that lived for so long did not die of its start. */
const STEADY_MS = 10_000
/** Between a worker's death and the next in its place: doubles with each that was not steady. */
const AGAIN_MIN_MS = 100
const AGAIN_MAX_MS = 5000
/** So many in vain in every place, and nobody left who serves: somebody has to look. */
const VAIN_MAX = 5
/** Workers end within 9 seconds of the signal; those that hang are killed, so that all is over within 10. */
const EXIT_MS = 9500

/** Starts a process. It says that it serves by sending a text, its database, over its IPC channel. */
export type StartWorker = (heard: (message: unknown) => void, ended: (how: Ending) => void) => WorkerProcess
type WorkerProcess = { pid: number; kill(signal: NodeJS.Signals): void }
type Ending = { code: number | null; signal: string | null }

/** One of the N that are wanted: a process, or the wait for the next. */
type Place = {
  worker: WorkerProcess | undefined
  serves: boolean
  /** Starts in a row that came to nothing. */
  vain: number
  timer: ReturnType<typeof setTimeout> | undefined
}

/** Keeps N processes running until it is told to stop, or until they can't be. */
export class Supervisor {
  readonly #start: StartWorker
  readonly #logger: Logger
  readonly #places: Place[]
  readonly #exit = Promise.withResolvers<number>()
  /** Those who wait for the first word of a place, which tells what the database is; they hear when it ends instead. */
  readonly #first = new Map<Place, PromiseWithResolvers<string>>()
  /** The exit code; set once no worker is to be replaced any more. */
  #stopping: number | undefined
  /** What ended it all, where no worker has told that. */
  #fault: Error | undefined

  constructor(count: number, start: StartWorker, logger: Logger) {
    this.#start = start
    this.#logger = logger
    this.#places = Array.from({ length: count }, () => ({
      worker: undefined,
      serves: false,
      vain: 0,
      timer: undefined,
    }))
  }

  /**
   * Settles when the last worker has ended: to the process's exit code, or to an `Error` to show to the operator where
   * the workers could not be kept running.
   */
  get ended(): Promise<number> {
    return this.#exit.promise
  }

  /**
   * Resolves to what their database is once all serve, and to `undefined` when one did not come up: then all end. One goes
   * first: it prepares the database, and says alone what is wrong.
   */
  async start(): Promise<string | undefined> {
    const [first, ...others] = this.#places
    if (first === undefined) throw new RangeError('a supervisor of no workers')
    try {
      const database = await this.#firstWord(first)
      await Promise.all(others.map((place) => this.#firstWord(place)))
      return database
    } catch {
      this.stop(1)
      return undefined
    }
  }

  /** Tells all to finish what they do. */
  stop(code = 0): void {
    if (this.#stopping !== undefined) return
    this.#stopping = code
    for (const { worker, timer } of this.#places) {
      clearTimeout(timer)
      worker?.kill('SIGTERM')
    }
    setTimeout(() => {
      this.#stopping = 1
      for (const { worker } of this.#places) worker?.kill('SIGKILL')
    }, EXIT_MS).unref()
    this.#endWhenAlone()
  }

  #firstWord(place: Place): Promise<string> {
    const word = Promise.withResolvers<string>()
    this.#first.set(place, word)
    this.#fill(place)
    return word.promise
  }

  #fill(place: Place): void {
    try {
      place.worker = this.#begin(place)
    } catch (fault) {
      // The system has no room for another process right now: those that there are go on, and it is tried again.
      this.#logger.error({ err: fault }, 'a worker could not be started')
      this.#ended(place, { code: null, signal: null })
    }
  }

  #begin(place: Place): WorkerProcess {
    return this.#start(
      (message) => {
        if (typeof message !== 'string' || place.serves) return
        place.serves = true
        place.timer = setTimeout(() => {
          place.vain = 0
        }, STEADY_MS)
        this.#first.get(place)?.resolve(message)
        this.#first.delete(place)
      },
      (how) => this.#ended(place, how),
    )
  }

  #ended(place: Place, { code, signal }: Ending): void {
    const { worker, serves } = place
    clearTimeout(place.timer)
    place.worker = undefined
    place.serves = false
    const first = this.#first.get(place)
    this.#first.delete(place)
    // Also where all are told to stop: whoever waits for them to come up waits no longer.
    first?.reject(new Error('a worker did not start'))
    if (this.#stopping !== undefined) {
      // One that had not come up yet knows no other end than by the signal.
      if (serves && code !== 0) this.#stopping = 1
      this.#endWhenAlone()
      return
    }
    if (first !== undefined) {
      // With a code it has told why itself.
      if (code === null)
        this.#fault = new Error(
          `A worker ${signal === null ? 'could not be started' : `was ended by ${signal} while it started`}.`,
        )
      return
    }
    this.#replace(place, { worker: worker?.pid, code, signal })
  }

  #replace(place: Place, dead: Ending & { worker: number | undefined }): void {
    // One that was told to end (code 0) makes room for the next.
    if (dead.code !== 0) place.vain += 1
    if (this.#places.every(({ serves, vain }) => !serves && vain >= VAIN_MAX)) {
      this.#fault = new Error(
        `The workers end again and again, ${VAIN_MAX} times in a row each. What they told says why.`,
      )
      this.stop(1)
      return
    }
    const againInMs = Math.min(AGAIN_MIN_MS * 2 ** Math.max(0, place.vain - 1), AGAIN_MAX_MS)
    this.#logger.warn({ ...dead, again_in_ms: againInMs }, 'a worker ended')
    place.timer = setTimeout(() => this.#fill(place), againInMs)
  }

  #endWhenAlone(): void {
    if (this.#places.some(({ worker }) => worker !== undefined)) return
    if (this.#fault === undefined) this.#exit.resolve(this.#stopping ?? 0)
    else this.#exit.reject(this.#fault)
  }
}
