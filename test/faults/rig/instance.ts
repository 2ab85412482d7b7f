import { runServer, type ServerProcess } from '../../project/server-process.ts'

const REPOSITORY = new URL('../../../', import.meta.url).pathname

/** The real server as a process, that is killed and started again on the same stores, at another port each time. */
export class Instance {
  readonly #variables: Record<string, string>
  #process: ServerProcess
  #address: Promise<string>
  #up = false
  #ended = false
  kills = 0

  constructor(variables: Record<string, string>) {
    this.#variables = variables
    this.#process = this.#start()
    this.#address = this.#process.address
    this.#served()
    process.on('exit', this.#killNow)
  }

  /** Of the process that runs, or of the one that is being started. Rejects once the server ended by itself. */
  get address(): Promise<string> {
    return this.#address
  }

  /** Whether it serves, as far as is known. */
  get up(): boolean {
    return this.#up
  }

  get pid(): number {
    return this.#process.pid
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
    this.#served()
  }

  /** Tells it to stop. Resolves to its exit code. */
  stop(): Promise<number> {
    this.#ended = true
    this.#process.kill('SIGTERM')
    return this.#process.exited
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
      this.#up = false
      const fault = Promise.reject<string>(new Error(`The server ended by itself: ${code} ${await started.errors}`))
      fault.catch(() => {})
      this.#address = fault
    }
    void ended()
    return started
  }

  #served(): void {
    const address = this.#address
    address.then(
      () => {
        this.#up = this.#address === address
      },
      () => {},
    )
  }

  async #kill(): Promise<void> {
    const killed = this.#process
    this.#up = false
    // What ends from here on was told to.
    this.#process = { ...killed }
    killed.kill('SIGKILL')
    await killed.exited
  }

  readonly #killNow = () => this.#process.kill('SIGKILL')
}
