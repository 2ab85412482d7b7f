import { applyEvent, type ChatState, NO_CHAT } from '../../src/contract/chat-state.ts'
import type { Message } from '../../src/contract/chats.ts'
import type { ChatEvent } from '../../src/contract/events.ts'
import { PRESENT_MAX } from '../../src/contract/live.ts'
import type { Beginning, ChatReader } from './chat-feed.ts'
import type { FrameOf } from './live-frames.ts'
import { type Observable, Variable } from './observable.ts'

/** A chat as it is now. */
export interface ChatView {
  /** `loading` until the chat is there as it is. `ended`: nothing more comes; `error` tells why. */
  readonly status: 'loading' | 'live' | 'ended'
  /** As the events tell it; an answer that is being made has all that it says so far. */
  readonly state: ChatState
  /** Accounts that watch the chat: how many, and who they are, 100 at most. */
  readonly presence: { readonly count: number; readonly users: readonly string[] }
  /** Accounts that are typing, this one's own too. */
  readonly typing: readonly string[]
  /** `ParleyError`: the server refused. `SocketClosed`: the socket is gone for good. */
  readonly error?: Error | undefined
}

/** A chat that is kept up to date while anybody listens. */
export interface LiveChat extends Observable<ChatView> {
  readonly id: string
}

/** Older messages leave the state: read them as pages of the chat's history. */
const MESSAGES_MAX = 1000
/** Somebody who has not said so for so long types no more. */
const TYPING_MS = 10_000

/** Where a chat's changes come from. */
interface Source {
  add(reader: ChatReader, after: number | undefined): void
  remove(reader: ChatReader): void
}

const NOTHING: ChatView = { status: 'loading', state: NO_CHAT, presence: { count: 0, users: [] }, typing: [] }

export class ListenedChat implements LiveChat, ChatReader {
  readonly id: string
  readonly #source: Source
  readonly #view = new Variable<ChatView>(NOTHING, (listened) => (listened ? this.#begin() : this.#leave()))
  /** By its events alone. */
  #told: ChatState = NO_CHAT
  /** By message: what is said in answers that have not ended. */
  readonly #growing = new Map<string, string>()
  readonly #typists = new Map<string, ReturnType<typeof setTimeout>>()

  readonly getSnapshot = this.#view.getSnapshot
  readonly subscribe = this.#view.subscribe

  constructor(id: string, source: Source) {
    this.id = id
    this.#source = source
  }

  get listened(): boolean {
    return this.#view.listened
  }

  begins(beginning: Beginning): void {
    if (!beginning.recovered) {
      this.#told = stateOf(beginning.snapshot)
      this.#growing.clear()
    }
    this.#change({ status: 'live', state: this.#state })
  }

  event(event: ChatEvent): boolean {
    if (event.type === 'answer.ended') this.#growing.delete(event.data.message_id)
    this.#told = newestOf(applyEvent(this.#told, event))
    this.#change({ state: this.#state })
    return true
  }

  answer(frame: FrameOf<'answer.snapshot' | 'answer.delta'>): void {
    const { message_id, content } = frame
    const before = frame.type === 'answer.snapshot' ? '' : this.#growing.get(message_id)
    if (before === undefined || (frame.type === 'answer.delta' && frame.offset !== before.length)) return
    this.#growing.set(message_id, before + content)
    this.#change({ state: this.#state })
  }

  passes(seq: number): void {
    const { chat } = this.#told
    if (chat === null) return
    this.#told = { ...this.#told, chat: { ...chat, last_seq: seq } }
    this.#change({ state: this.#state })
  }

  signal(signal: FrameOf<'typing' | 'presence'>): void {
    if (signal.type === 'presence') this.#change({ presence: { count: signal.count, users: signal.users } })
    else this.#type(signal.user_id, signal.typing)
  }

  ends(error: Error | undefined): void {
    this.#change({ status: 'ended', error })
  }

  /** What the events have told, with what answers say that are being made. */
  get #state(): ChatState {
    if (this.#growing.size === 0) return this.#told
    const messages: Record<string, Message> = {}
    for (const [id, content] of this.#growing) {
      const message = this.#told.messages[id]
      if (message?.status === 'processing' && message.deleted_at === null) messages[id] = { ...message, content }
    }
    return { ...this.#told, messages: { ...this.#told.messages, ...messages } }
  }

  get #now(): ChatView {
    return this.#view.getSnapshot()
  }

  #change(change: Partial<ChatView>): void {
    this.#view.set({ ...this.#now, ...change })
  }

  #begin(): void {
    this.#source.add(this, this.#now.state.chat?.last_seq)
  }

  /** The state is kept, to go on from. */
  #leave(): void {
    this.#source.remove(this)
    for (const timer of this.#typists.values()) clearTimeout(timer)
    this.#typists.clear()
    this.#view.set({ ...NOTHING, state: this.#now.state })
  }

  #type(userId: string, typing: boolean): void {
    clearTimeout(this.#typists.get(userId))
    this.#typists.delete(userId)
    if (typing && this.#typists.size < PRESENT_MAX) {
      this.#typists.set(
        userId,
        setTimeout(() => this.#type(userId, false), TYPING_MS),
      )
    }
    const typists = [...this.#typists.keys()].sort()
    if (typists.join() !== this.#now.typing.join()) this.#change({ typing: typists })
  }
}

function stateOf({ chat, branches, messages, read_cursors, answering }: Snapshot): ChatState {
  return {
    chat,
    branches: Object.fromEntries(branches.map((branch) => [branch.id, branch])),
    messages: Object.fromEntries(messages.map((message) => [message.id, message])),
    read_cursors,
    answering,
  }
}

type Snapshot = Extract<Beginning, { recovered: false }>['snapshot']

function newestOf(state: ChatState): ChatState {
  const all: Message[] = Object.values(state.messages)
  if (all.length <= MESSAGES_MAX) return state
  const newest = all.sort((one, other) => one.seq - other.seq).slice(-MESSAGES_MAX)
  return { ...state, messages: Object.fromEntries(newest.map((message) => [message.id, message])) }
}
