import { isAnswered } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { Change } from '../chats/log-store.ts'
import type { AnswerBuffer, AnswerRef, Bus } from '../ports.ts'
import { type AnswerRow, type AnswerStore, refOf } from './answer-store.ts'
import type { AnswerLimits } from './limits.ts'
import { isAway } from './patience.ts'
import type { Abandoned, AnswerRunner } from './runner.ts'
import type { Settlement } from './settlement.ts'

/** The bus channel on which instances tell each other that an answer has ended. A payload is its id. */
const CHANNEL = 'answers'
/** Answers that are looked at together. */
const AT_ONCE = 100
/** Of texts that are kept together, in UTF-16 code units: about. */
const KEPT_LENGTH = 1_048_576
const SYSTEM = { kind: 'service' } as const

/** What became of an answer whose turn seemed to have come. */
type Begun = 'begun' | 'waits' | 'unwanted'

type Parts = {
  store: AnswerStore
  log: ChatLog
  bus: Bus
  buffer: AnswerBuffer
  runner: AnswerRunner
  settlement: Settlement
  /** The answerers that this process has: what waits for others is for other instances. */
  providers: readonly string[]
  limits: AnswerLimits
  report(fault: unknown, ref?: AnswerRef): void
}

/**
 * Sees to it that every answer is made by somebody, and ends. What waits is in the database: any instance begins it once
 * its turn has come, and ends it where its producer is gone.
 */
export class AnswerDispatch {
  readonly #parts: Parts
  readonly #running = new Map<string, { abandon: AbortController; ended: Promise<void> }>()
  #timer: ReturnType<typeof setInterval> | undefined
  #end = () => {}
  #looking: Promise<void> | undefined
  #beating: Promise<void> | undefined
  #again = false
  /** How much of each answer was kept that only this process has. */
  #kept = new Map<string, number>()
  #stopping = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Throws `Refusal('storage_unavailable')`. */
  async start(): Promise<void> {
    const abandon = (answerId: string) => this.#abandon(answerId)
    this.#end = await this.#parts.bus.subscribe(CHANNEL, { message: abandon, lost() {} })
    this.#timer = setInterval(() => {
      this.#beating ??= this.#beat().finally(() => {
        this.#beating = undefined
      })
    }, this.#parts.limits.beatMs)
    this.#timer.unref()
  }

  /** Whether this process has anybody who answers. */
  get hasAnswerers(): boolean {
    return this.#parts.providers.length > 0
  }

  /** Whether one more may be begun here. */
  get hasRoom(): boolean {
    return !this.#stopping && this.#running.size < this.#parts.limits.atOnce
  }

  /** Runs an answer that has begun, here. */
  run(answer: AnswerRow): void {
    const abandon = new AbortController()
    const ended = this.#parts.runner.run(answer, abandon.signal).finally(() => {
      this.#running.delete(answer.id)
      this.look()
    })
    this.#running.set(answer.id, { abandon, ended })
  }

  /** Something has ended, or waits: begins what may begin. */
  look(): void {
    this.#again = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
  }

  /** An answer was ended: whoever makes it stops. */
  ended(answerId: string): void {
    this.#abandon(answerId)
    // Where the bus is away its producer hears of it with its next beat.
    this.#parts.bus.publish(CHANNEL, answerId).catch(() => {})
    this.look()
  }

  /** Begins nothing more; resolves once nothing is made here any more. */
  async drain(): Promise<void> {
    this.#stopping = true
    // What it has just begun is made as well.
    await this.#looking
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  /** Ends what is still being made, as failed with the text so far. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearInterval(this.#timer)
    this.#end()
    await this.#looking
    for (const { abandon } of this.#running.values()) abandon.abort('restarting' satisfies Abandoned)
    await this.drain()
    await this.#beating
    for (const ref of this.#parts.buffer.endingHere()) {
      await this.#endHere(ref).catch((fault) => this.#parts.report(fault, ref))
    }
  }

  /** What waits has a place for its text, and nothing in it: whoever starts next begins it. */
  async #endHere(ref: AnswerRef): Promise<void> {
    const answer = await this.#parts.store.find(ref.answerId)
    if (answer?.status === 'processing') await this.#fail(ref, 'The server was restarted.')
  }

  #abandon(answerId: string): void {
    this.#running.get(answerId)?.abandon.abort('ended' satisfies Abandoned)
  }

  async #look(): Promise<void> {
    while (this.#again && this.hasRoom && this.#parts.providers.length > 0) {
      this.#again = false
      try {
        const room = Math.min(AT_ONCE, this.#parts.limits.atOnce - this.#running.size)
        const waiting = await this.#parts.store.waiting(this.#parts.providers, room)
        await this.#each(waiting, async (answer) => {
          if (this.hasRoom && (await this.#begin(answer))) this.run(answer)
        })
      } catch (fault) {
        // The store is away, or one of them is broken: the next beat looks again.
        this.#parts.report(fault)
      }
    }
  }

  /** One that is broken does not stand in the way of the others; a store that is away does. */
  async #each(found: readonly AnswerRow[], see: (answer: AnswerRow) => Promise<void>): Promise<void> {
    for (const answer of found) {
      try {
        await see(answer)
      } catch (fault) {
        if (isAway(fault)) throw fault
        this.#parts.report(fault, refOf(answer))
      }
    }
  }

  async #begin(answer: AnswerRow): Promise<boolean> {
    const { buffer, log, store, limits } = this.#parts
    const ref = refOf(answer)
    const begun = answer.begun === 0 ? '' : await store.textOf(answer.message_id)
    await buffer.open(ref, begun.slice(0, answer.begun))
    const outcome = await log.change(SYSTEM, answer.chat_id, async (transaction, chat): Promise<Change<Begun>> => {
      if (chat.deleted_at !== null || !isAnswered(chat) || !(await store.isAsked(transaction, answer)))
        return { events: [], result: 'unwanted' }
      const first = (await store.runningIn(transaction, answer.branch_id))[0]
      if (first?.id !== answer.id || !(await store.begin(transaction, answer, limits.leaseMs)))
        return { events: [], result: 'waits' }
      return { events: [startedEvent(answer)], result: 'begun' }
    })
    // It would stand in the way of all that wait, and never begin.
    if (outcome === 'unwanted') {
      await this.#parts.settlement.end(ref, { status: 'stopped' })
      this.ended(answer.id)
    }
    return outcome === 'begun'
  }

  async #beat(): Promise<void> {
    const { store, limits } = this.#parts
    try {
      const mine = [...this.#running.keys()]
      const kept = mine.length === 0 ? [] : await store.keep(mine, limits.leaseMs)
      for (const id of mine) if (!kept.includes(id)) this.#abandon(id)
      // Its producer is gone: what it said stays.
      const bury = (answer: AnswerRow) => this.#fail(refOf(answer), 'The answer came to a halt.')
      await this.#each(await store.expired(AT_ONCE), bury)
      await this.#keepSaid()
      if (this.hasRoom) this.look()
    } catch (fault) {
      this.#parts.report(fault)
    }
  }

  /** What ends with this process is kept where the next one finds it: many at once, since there may be hundreds. */
  async #keepSaid(): Promise<void> {
    const { buffer } = this.#parts
    const before = this.#kept
    this.#kept = new Map()
    let grown = new Map<string, string>()
    let length = 0
    for (const ref of buffer.endingHere()) {
      const kept = before.get(ref.answerId) ?? 0
      const text = (await buffer.read(ref))?.text ?? ''
      this.#kept.set(ref.answerId, kept)
      if (text.length <= kept) continue
      grown.set(ref.answerId, text)
      length += text.length
      if (length < KEPT_LENGTH) continue
      await this.#keep(grown)
      grown = new Map()
      length = 0
    }
    await this.#keep(grown)
  }

  async #keep(said: ReadonlyMap<string, string>): Promise<void> {
    if (said.size === 0) return
    const kept = await this.#parts.store.keepSaid(said)
    for (const answerId of kept) this.#kept.set(answerId, said.get(answerId)?.length ?? 0)
  }

  async #fail(ref: AnswerRef, error: string): Promise<void> {
    await this.#parts.settlement.end(ref, { status: 'failed', error })
    this.ended(ref.answerId)
  }
}

export function startedEvent({ id, message_id, provider, begun }: AnswerRow) {
  return {
    type: 'answer.started' as const,
    data: { message_id, answer_id: id, provider, offset: begun },
  }
}

/** Of one whose message was told to have ended. */
export function queuedEvent({ id, message_id }: AnswerRow) {
  return { type: 'answer.queued' as const, data: { message_id, answer_id: id } }
}
