import type { Bus } from '../ports.ts'

/** The bus channel on which instances say that they live. A payload is an id, with `gone ` before it at the end. */
const CHANNEL = 'instances'
const BEAT_MS = 10_000
/** An instance that was silent for so long is gone. */
const SILENT_MS = 30_000
const SILENT_MAX = 1000
const GONE = 'gone '

/** Both calls are synchronous and must not throw. */
export interface InstanceWatcher {
  gone(instance: string): void
  /** One that was taken for gone is there. */
  back(instance: string): void
}

/** The other processes that serve the same chats, as far as they are heard. */
export class Instances {
  readonly own = Bun.randomUUIDv7()
  readonly #bus: Bus
  readonly #watcher: InstanceWatcher
  readonly #heardAt = new Map<string, number>()
  /** Those that were taken for gone, the newest last. */
  readonly #silent = new Set<string>()
  #beatAt = 0
  #timer: ReturnType<typeof setInterval> | undefined
  #end = () => {}

  constructor(bus: Bus, watcher: InstanceWatcher) {
    this.#bus = bus
    this.#watcher = watcher
  }

  async start(): Promise<void> {
    this.#end = await this.#bus.subscribe(CHANNEL, {
      message: (payload) => {
        if (payload.startsWith(GONE)) this.#leave(payload.slice(GONE.length))
        else this.heard(payload)
      },
      // Nobody was heard meanwhile, which is no sign of theirs.
      lost: () => this.#renew(),
    })
    this.#timer = setInterval(() => this.#beat(), BEAT_MS)
    this.#timer.unref()
    this.#publish(this.own)
  }

  heard(instance: string): void {
    if (instance === this.own) return
    this.#heardAt.set(instance, Date.now())
    if (this.#silent.delete(instance)) this.#watcher.back(instance)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#end()
    await this.#bus.publish(CHANNEL, `${GONE}${this.own}`).catch(() => {})
  }

  #beat(): void {
    this.#publish(this.own)
    const now = Date.now()
    // It was this process that stood still, and heard nobody.
    if (now - this.#beatAt > 2 * BEAT_MS) this.#renew()
    this.#beatAt = now
    const silent = now - SILENT_MS
    for (const [instance, at] of this.#heardAt) if (at < silent) this.#miss(instance)
  }

  #miss(instance: string): void {
    this.#silent.add(instance)
    const [oldest] = this.#silent
    if (oldest !== undefined && this.#silent.size > SILENT_MAX) this.#silent.delete(oldest)
    this.#leave(instance)
  }

  #renew(): void {
    const now = Date.now()
    for (const instance of this.#heardAt.keys()) this.#heardAt.set(instance, now)
  }

  #leave(instance: string): void {
    if (this.#heardAt.delete(instance)) this.#watcher.gone(instance)
  }

  #publish(payload: string): void {
    this.#bus.publish(CHANNEL, payload).catch(() => {})
  }
}
