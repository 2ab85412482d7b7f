import { Refusal } from '../refusal.ts'
import type { SupportAgents } from './agents.ts'
import type { SupportChanges } from './changes.ts'
import type { SupportDeskStore } from './desk-store.ts'
import { held } from './session.ts'
import type { SupportSignals } from './signals.ts'

/** How often it is looked for what no signal told of. */
const BEAT_MS = 5000
/** Matches that came to nothing, in a row: somebody else makes them, and the next signal or beat looks again. */
const MISSES_MAX = 5
const SYSTEM = { kind: 'service' } as const

type Parts = {
  store: SupportDeskStore
  changes: SupportChanges
  agents: SupportAgents
  signals: SupportSignals
  report(fault: unknown): void
}

/** Gives what waits to the available agent with the fewest sessions. Every instance does: each match is made once. */
export class SupportRouting {
  readonly #parts: Parts
  #timer: ReturnType<typeof setInterval> | undefined
  #end = () => {}
  #looking: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  start(): void {
    this.#end = this.#parts.signals.listen({ changed: () => this.#look(), noted() {} })
    this.#timer = setInterval(() => this.#look(), BEAT_MS)
    this.#timer.unref()
    this.#look()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#end()
    await this.#looking
  }

  #look(): void {
    this.#again = true
    this.#looking ??= this.#match().finally(() => {
      this.#looking = undefined
    })
  }

  async #match(): Promise<void> {
    for (let misses = 0; this.#again && !this.#stopped; ) {
      this.#again = false
      try {
        const match = await this.#parts.store.nextMatch(this.#parts.agents.usualLimit)
        if (match === undefined) continue
        misses = (await this.#give(match)) ? 0 : misses + 1
        this.#again = misses < MISSES_MAX
      } catch (fault) {
        // The store is away: the next beat looks again.
        this.#parts.report(fault)
      }
    }
  }

  /** Resolves to false where it came too late. */
  async #give({ chatId, agentId }: { chatId: string; agentId: string }): Promise<boolean> {
    const { changes, agents } = this.#parts
    let given = false
    try {
      await changes.make(SYSTEM, chatId, async (session, { transaction, at }) => {
        if (session.waiting_since === null) return session
        await agents.expectTaker(transaction, SYSTEM, agentId)
        given = true
        return held(session, agentId, at, 'active')
      })
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.reason === 'storage_unavailable') throw fault
      return false
    }
    return given
  }
}
