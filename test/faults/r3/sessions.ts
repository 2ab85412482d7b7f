import type { Client } from '../rig/client.ts'

const BODY = { role: 'user', content: 'Are you there?' }
const PAUSE_MS = 25

/** What the sessions answered while Redis came and went. */
export class SessionProbe {
  /** How often each status came. */
  readonly #statuses = new Map<number, number>()
  /** What a call took at most, in milliseconds, until it was answered. */
  longestMs = 0
  /** When the last call was begun that was answered with a success. */
  #wellAt = 0
  #lost = 0

  /** `910 x 201, 35 x 503` */
  get told(): string {
    return [...this.#statuses].map(([status, times]) => `${times} x ${status}`).join(', ')
  }

  /** Posts to sessions of every instance until `ended` says so. */
  async run(client: Client, ended: () => boolean): Promise<void> {
    const instances = client.deployment.instances.map((_, index) => this.#ask(client, index, ended))
    await Promise.all(instances)
  }

  /** Whether a call that was begun since was answered well. */
  wellSince(moment: number): boolean {
    return this.#wellAt >= moment
  }

  /** What was wrong, where so many instances were killed beside. */
  faults(killed: number): string[] {
    const others = [...this.#statuses.keys()].filter((status) => status !== 201 && status !== 503)
    return [
      ...(others.length > 0 ? [`sessions answered ${others.join(', ')}`] : []),
      ...(killed === 0 && this.#lost > 0 ? [`${this.#lost} calls of sessions were not answered`] : []),
    ]
  }

  async #ask(client: Client, index: number, ended: () => boolean): Promise<void> {
    for (let turn = 0; !ended(); turn += 1) {
      const { deployment } = client
      const begun = performance.now()
      const path = `/v1/chat/sessions/probe-${index}-${turn % 50}/messages`
      const answer = await client.once({ path, body: BODY, address: deployment.addressOf(index) })
      if (answer === undefined) this.#lost += 1
      else {
        this.#statuses.set(answer.status, (this.#statuses.get(answer.status) ?? 0) + 1)
        if (answer.status === 201) this.#wellAt = Math.max(this.#wellAt, begun)
        this.longestMs = Math.max(this.longestMs, performance.now() - begun)
      }
      await Bun.sleep(PAUSE_MS)
    }
  }
}
