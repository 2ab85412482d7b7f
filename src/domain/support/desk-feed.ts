import { type DeskFrame, FED_MAX } from '../../contract/support-feed.ts'
import type { Participant } from '../accounts/actor.ts'
import { idOf } from '../chats/access.ts'
import { partOf } from '../chats/doors.ts'
import { isoTime } from '../chats/rows.ts'
import { assertStaff } from './agents.ts'
import { noteOf } from './desk.ts'
import type { SupportDeskStore } from './desk-store.ts'
import { doorsOf, type SupportRow, sessionOf } from './session.ts'
import type { SupportListener, SupportSignals } from './signals.ts'
import type { SupportStore } from './support-store.ts'

/** Changes within this time are told together. */
const TICK_MS = 100
/** How often what no signal told of is looked for, while anybody watches. */
const BEAT_MS = 5000
/** As many sessions of one agent are told of. */
const HELD_MAX = 1000

/** Hears of the desk. `text` is the frame as JSON. Synchronous, must not throw. */
export type DeskWatcher = (frame: DeskFrame, text: string) => void

/** `told`: the texts that were told last, to tell nothing twice. */
type Watch = { actor: Participant; tell: DeskWatcher; told: { queue?: string; sessions?: string } }

type Parts = {
  store: SupportDeskStore
  sessions: SupportStore
  signals: SupportSignals
  report(fault: unknown): void
}

/**
 * The desk as it changes, for agents: told as it is, not by what has changed, so that a signal that is lost, late or told
 * twice leaves nothing wrong.
 */
export class SupportDeskFeed implements SupportListener {
  readonly #parts: Parts
  readonly #watches = new Set<Watch>()
  #end = () => {}
  #timer: ReturnType<typeof setInterval> | undefined
  #looking: Promise<void> | undefined
  #again = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  start(): void {
    this.#end = this.#parts.signals.listen(this)
    this.#timer = setInterval(() => this.changed(), BEAT_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#end()
    this.#watches.clear()
    await this.#looking
  }

  /**
   * Tells of the desk as it is, and each time that it has changed. Returns the call that ends it, which may be called
   * again. Throws `Refusal('forbidden')`.
   */
  watch(actor: Participant, tell: DeskWatcher): () => void {
    assertStaff(actor)
    const watch = { actor, tell, told: {} }
    this.#watches.add(watch)
    this.changed()
    return () => this.#watches.delete(watch)
  }

  changed(): void {
    if (this.#watches.size === 0) return
    this.#again = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
  }

  noted(sessionId: string, noteId: string): void {
    if (this.#watches.size > 0) this.#tellNote(sessionId, noteId).catch(this.#parts.report)
  }

  async #look(): Promise<void> {
    while (this.#again && this.#watches.size > 0) {
      this.#again = false
      try {
        await this.#tell()
      } catch (fault) {
        // The store is away: the next beat looks again.
        this.#parts.report(fault)
      }
      await Bun.sleep(TICK_MS)
    }
  }

  async #tell(): Promise<void> {
    const { store } = this.#parts
    const watches = [...this.#watches]
    const ids = new Set(watches.flatMap(({ actor }) => idOf(actor) ?? []))
    const [queue, ...held] = await Promise.all([
      store.queue({ limit: FED_MAX, offset: 0 }),
      ...[...ids].map(async (id) => [id, await store.heldBy(id, HELD_MAX)] as const),
    ])
    const heldBy = new Map(held)
    const queueFrame = queueOf(queue)
    const queueText = JSON.stringify(queueFrame)
    for (const watch of watches) {
      if (!this.#watches.has(watch)) continue
      if (watch.told.queue !== queueText) watch.tell(queueFrame, queueText)
      watch.told.queue = queueText
      this.#tellHeld(watch, heldBy.get(idOf(watch.actor) ?? '') ?? [])
    }
  }

  #tellHeld({ told, tell }: Watch, rows: readonly SupportRow[]): void {
    const frame: DeskFrame = { type: 'desk.sessions', sessions: rows.map(sessionOf) }
    const text = JSON.stringify(frame)
    if (told.sessions !== text) tell(frame, text)
    told.sessions = text
  }

  /** To those who see the session as agents do, as it is now. */
  async #tellNote(sessionId: string, noteId: string): Promise<void> {
    const { store, sessions } = this.#parts
    const [session, row] = await Promise.all([sessions.find(sessionId), store.note(sessionId, noteId)])
    if (session === undefined || row === undefined) return
    const frame: DeskFrame = { type: 'desk.note', note: noteOf(row) }
    const text = JSON.stringify(frame)
    for (const { actor, tell } of this.#watches) {
      const part = partOf(actor, doorsOf(session))
      if (part === 'agent' || part === 'onlooker' || part === 'privileged') tell(frame, text)
    }
  }
}

function queueOf({ waiting, rows }: { waiting: number; rows: readonly SupportRow[] }): DeskFrame {
  const sessions = rows.flatMap(({ chat_id: id, user_id, waiting_since }, index) =>
    waiting_since === null ? [] : [{ id, user_id, position: index + 1, waiting_since: isoTime(waiting_since) }],
  )
  return { type: 'desk.queue', waiting, sessions }
}
