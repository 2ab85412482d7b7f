/** What stands in front of the instances, under one address: it hands a call to one that serves, or answers 502. */
export class Balancer implements Disposable {
  readonly #server: Bun.Server<undefined>
  #choose: (() => Promise<string>) | undefined

  constructor() {
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: (request) => this.#pass(request),
    })
  }

  get url(): string {
    return this.#server.url.origin
  }

  /** `choose`: the address of one that serves. */
  leadTo(choose: () => Promise<string>): void {
    this.#choose = choose
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true)
  }

  async #pass(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    const { method, headers } = request
    try {
      const body = await request.arrayBuffer()
      const answer = await fetch(`${await this.#choose?.()}${pathname}${search}`, { method, headers, body })
      return new Response(await answer.arrayBuffer(), { status: answer.status })
    } catch {
      return new Response(null, { status: 502 })
    }
  }
}
