import { PRESENT_MAX } from '../../contract/live.ts'
import { FewMap } from '../few-map.ts'
import type { Bus } from '../ports.ts'
import { Instances } from './instances.ts'
import { fromWord, wordOf } from './word.ts'

/** People of one chat that an instance names to the others; more are counted. */
const NAMED_MAX = 1000
/** Changes within this time are told together. */
const TICK_MS = 250
/** Who leaves and is back within this time never left. */
const LEAVING_MS = 2000

export type Present = { count: number; users: string[] }

/** What an instance says of a chat: how many people watch it there, and which. */
type Watchers = { count: number; users: readonly string[] }

type Attendance = {
  /** Sockets of each person in this process. */
  here: FewMap<string, number>
  /** By instance; not set where no other has any. */
  elsewhere?: Map<string, Watchers> | undefined
  /** What was told last, to tell nothing twice. */
  told?: string
}

export interface PresenceDoor {
  /** Tells the other instances. */
  signal(chatId: string, text: string): void
  /** Tells the watchers in this process. */
  tell(chatId: string, present: Present): void
}

/**
 * Who watches each chat, on all instances. Each says what it knows of itself, when that changes and when another asks; and
 * that it lives, now and then: of one that fell silent all are gone. Nothing of this is stored.
 */
export class Presence {
  readonly #door: PresenceDoor
  readonly #instances: Instances
  readonly #chats = new Map<string, Attendance>()
  /** Chats whose watchers here have changed, to be said to the other instances. */
  readonly #unsaid = new Set<string>()
  /** Chats of which something has changed, to be told to the watchers. */
  readonly #untold = new Set<string>()
  #leaving: { at: number; chatId: string; userId: string }[] = []
  readonly #timer: ReturnType<typeof setInterval>

  constructor(bus: Bus, door: PresenceDoor) {
    this.#door = door
    this.#instances = new Instances(bus, { gone: (instance) => this.#gone(instance), back: () => this.doubt() })
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
  }

  /** Throws `Refusal('storage_unavailable')` when the bus is away. */
  start(): Promise<void> {
    return this.#instances.start()
  }

  /** Says to the others that all here have left. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#instances.stop()
  }

  /** A socket of the person begins to watch: `leave` is to be called once for each call. */
  enter(chatId: string, userId: string): void {
    const { here } = this.#chats.get(chatId) ?? this.#begin(chatId)
    const sockets = here.get(userId)
    here.set(userId, (sockets ?? 0) + 1)
    if (sockets === undefined) this.#changed(chatId)
  }

  leave(chatId: string, userId: string): void {
    this.#leaving.push({ at: Date.now() + LEAVING_MS, chatId, userId })
  }

  of(chatId: string): Present {
    const attendance = this.#chats.get(chatId)
    return attendance === undefined ? { count: 0, users: [] } : presentIn(attendance)
  }

  /** What another instance, or this one, said of a chat. */
  heard(chatId: string, text: string): void {
    const attendance = this.#chats.get(chatId)
    const said = parseSaid(text)
    if (attendance === undefined || said === undefined || said.instance === this.#instances.own) return
    if (said.watchers === 'asked') {
      this.#unsaid.add(chatId)
      return
    }
    this.#instances.heard(said.instance)
    attendance.elsewhere ??= new Map()
    if (said.watchers.count === 0) attendance.elsewhere.delete(said.instance)
    else attendance.elsewhere.set(said.instance, said.watchers)
    this.#untold.add(chatId)
  }

  /** What was said may not have been heard: it is said and asked again. */
  doubt(): void {
    for (const chatId of this.#chats.keys()) this.#ask(chatId)
  }

  #begin(chatId: string): Attendance {
    const attendance: Attendance = { here: new FewMap() }
    this.#chats.set(chatId, attendance)
    this.#ask(chatId)
    return attendance
  }

  #ask(chatId: string): void {
    this.#unsaid.add(chatId)
    this.#door.signal(chatId, `? ${this.#instances.own}`)
  }

  #changed(chatId: string): void {
    this.#unsaid.add(chatId)
    this.#untold.add(chatId)
  }

  #gone(instance: string): void {
    for (const [chatId, { elsewhere }] of this.#chats) if (elsewhere?.delete(instance)) this.#untold.add(chatId)
  }

  #tick(): void {
    this.#leave(Date.now())
    for (const chatId of this.#unsaid) this.#say(chatId)
    this.#unsaid.clear()
    for (const chatId of this.#untold) this.#tell(chatId)
    this.#untold.clear()
  }

  #leave(now: number): void {
    const due = this.#leaving.findIndex(({ at }) => at > now)
    for (const { chatId, userId } of this.#leaving.splice(0, due === -1 ? this.#leaving.length : due)) {
      const here = this.#chats.get(chatId)?.here
      const left = (here?.get(userId) ?? 0) - 1
      if (left > 0) here?.set(userId, left)
      else if (here?.delete(userId)) this.#changed(chatId)
    }
  }

  #say(chatId: string): void {
    const here = this.#chats.get(chatId)?.here
    if (here === undefined) return
    const users = [...here.keys()].slice(0, NAMED_MAX)
    this.#door.signal(chatId, `! ${this.#instances.own} ${here.size} ${users.map(wordOf).join(' ')}`)
  }

  #tell(chatId: string): void {
    const attendance = this.#chats.get(chatId)
    if (attendance === undefined) return
    // Nobody here is left to tell.
    if (attendance.here.size === 0) {
      this.#chats.delete(chatId)
      return
    }
    const present = presentIn(attendance)
    const told = `${present.count} ${present.users.join(' ')}`
    if (told === attendance.told) return
    attendance.told = told
    this.#door.tell(chatId, present)
  }
}

function presentIn({ here, elsewhere }: Attendance): Present {
  const users = new Set(here.keys())
  let unnamed = 0
  for (const watchers of elsewhere?.values() ?? []) {
    for (const user of watchers.users) users.add(user)
    unnamed += watchers.count - watchers.users.length
  }
  return { count: users.size + unnamed, users: [...users].slice(0, PRESENT_MAX) }
}

/** `? <instance>` asks; `! <instance> <count> <people>` answers. */
function parseSaid(text: string): { instance: string; watchers: Watchers | 'asked' } | undefined {
  const [kind, instance, count, ...users] = text.split(' ')
  if (instance === undefined) return undefined
  if (kind === '?') return { instance, watchers: 'asked' }
  if (kind !== '!') return undefined
  const named = users.filter((user) => user !== '').map(fromWord)
  return { instance, watchers: { count: Number(count), users: named } }
}
