import { runServer, type ServerProcess } from '../../project/server-process.ts'

const REPOSITORY = new URL('../../../', import.meta.url).pathname

/** The real server, that is killed and started again on the same stores, at another port each time. */
export class KilledServer {
  readonly #variables: Record<string, string>
  #process: ServerProcess
  #address: Promise<string>
  #ended = false
  kills = 0

  constructor(variables: Record<string, string>) {
    this.#variables = variables
    this.#process = this.#start()
    this.#address = this.#process.address
    process.on('exit', this.#killNow)
  }

  /** Of the process that runs, or of the one that is being started. Rejects once the server ended by itself. */
  get address(): Promise<string> {
    return this.#address
  }

  /** Ends it in the middle of whatever it does. Resolves when the next one serves. */
  async killAndRestart(): Promise<void> {
    this.kills += 1
    const next = Promise.withResolvers<string>()
    next.promise.catch(() => {})
    this.#address = next.promise
    await this.#kill()
    this.#process = this.#start()
    this.#process.address.then(next.resolve, next.reject)
    await next.promise
  }

  async end(): Promise<void> {
    this.#ended = true
    process.off('exit', this.#killNow)
    await this.#kill()
  }

  #start(): ServerProcess {
    const started = runServer(REPOSITORY, ['--no-env-file', 'src/main.ts'], this.#variables)
    const ended = async () => {
      const code = await started.exited
      if (this.#ended || started !== this.#process) return
      const fault = Promise.reject<string>(new Error(`The server ended by itself: ${code} ${await started.errors}`))
      fault.catch(() => {})
      this.#address = fault
    }
    void ended()
    return started
  }

  async #kill(): Promise<void> {
    const killed = this.#process
    // What ends from here on was told to.
    this.#process = { ...killed }
    killed.kill('SIGKILL')
    await killed.exited
  }

  readonly #killNow = () => this.#process.kill('SIGKILL')
}
