import { EventSource } from 'eventsource'

/** A stream of Server-Sent Events whose events a test takes one by one. */
export class TestStream {
  readonly #source: EventSource
  readonly #events: { id: string; data: unknown }[] = []
  readonly #takers: ((event: { id: string; data: unknown }) => void)[] = []
  /** The status of each refused or broken connection. */
  readonly failures: (number | undefined)[] = []

  constructor(url: string, headers: Record<string, string>) {
    this.#source = new EventSource(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    })
    this.#source.addEventListener('error', ({ code }) => this.failures.push(code))
    this.#source.addEventListener('message', ({ lastEventId, data }) => {
      const event = { id: lastEventId, data: JSON.parse(String(data)) as unknown }
      const taker = this.#takers.shift()
      if (taker) taker(event)
      else this.#events.push(event)
    })
  }

  next(): Promise<{ id: string; data: unknown }> {
    const [event] = this.#events.splice(0, 1)
    return event ? Promise.resolve(event) : new Promise((resolve) => this.#takers.push(resolve))
  }

  close(): void {
    this.#source.close()
  }
}
