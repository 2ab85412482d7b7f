import type { Logger } from 'pino'
import { CLOSE_CODES, type CloseName } from '../../contract/close-codes.ts'
import { ChatEvent } from '../../contract/events.ts'
import type { Issue } from '../../contract/failures.ts'
import { LiveClientFrame, WATCHES_MAX } from '../../contract/live.ts'
import { FRAME_MAX } from '../../contract/text.ts'
import type { Participant } from '../../domain/accounts/actor.ts'
import type { Authenticator, Identity } from '../../domain/accounts/authenticator.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import { idOf } from '../../domain/chats/access.ts'
import { isPassing } from '../../domain/chats/doors.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { FewMap } from '../../domain/few-map.ts'
import type { Start } from '../../domain/live/starts.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { SupportDeskFeed } from '../../domain/support/desk-feed.ts'
import { watchingFrame } from '../following.ts'
import { parseJson } from '../plugins/issues.ts'
import type { Allowances } from './allowances.ts'
import type { ChatWatch } from './chat-topic.ts'
import type { ChatTopics } from './chat-topics.ts'
import type { Connection, Dialect } from './connection.ts'
import type { Hub } from './hub.ts'
import { askOf } from './live-asks.ts'
import { encodeFrame, idIn, isOurs, refusedFrame, sendFrame } from './live-frames.ts'
import { type LiveTopics, liveTopics } from './live-topics.ts'

/** What all live sockets share. */
export type LiveParts = {
  chats: ChatServices
  answers: AnswerService
  deskFeed: SupportDeskFeed
  authenticator: Authenticator
  hub: Hub
  topics: LiveTopics
  allowances: Allowances
  log: Logger
}

export function liveParts(
  {
    chats,
    answers,
    deskFeed,
    accounts: { authenticator },
  }: { chats: ChatServices; answers: AnswerService; deskFeed: SupportDeskFeed; accounts: AccountService },
  hub: Hub,
  allowances: Allowances,
  log: Logger,
): LiveParts {
  const { live } = chats
  const topics = liveTopics(hub, live)
  return { chats, answers, deskFeed, authenticator, hub, topics, allowances, log }
}

/** A socket that shows no token by then is closed. */
const SIGN_IN_MS = 10_000
/** A client that goes on after so many refusals in a row does not listen: its socket is closed. */
const REFUSED_MAX = 500

const TOO_LONG: Issue = { loc: [], msg: `A frame is text of at most ${FRAME_MAX} bytes.`, type: 'too_big' }

type Frame<T extends LiveClientFrame['type']> = Extract<LiveClientFrame, { type: T }>

/** One client of the live socket: it speaks `LiveClientFrame` and hears `LiveServerFrame`. */
export class LiveSocket implements Dialect {
  readonly #parts: LiveParts
  #identity: Identity<Participant> | undefined
  #signIn: ReturnType<typeof setTimeout> | undefined
  /** The chats that it watches. */
  readonly #watched = new FewMap<string, ChatTopics>()
  /** Ends its watching of the support desk, where it does. */
  #endDesk: (() => void) | undefined
  /** Frames in a row that were refused for what they are. */
  #refused = 0

  /** `identity`: what the request itself showed. */
  constructor(parts: LiveParts, identity: Identity<Participant> | undefined) {
    this.#parts = parts
    this.#identity = identity
  }

  async open(connection: Connection): Promise<void> {
    if (this.#identity === undefined) this.#signIn = setTimeout(() => connection.end('not_signed_in'), SIGN_IN_MS)
    else this.#welcome(connection, null, this.#identity)
  }

  async frame(connection: Connection, text: string | undefined): Promise<void> {
    const parsed = text === undefined ? { ok: false as const, issues: [TOO_LONG] } : parseJson(LiveClientFrame, text)
    try {
      this.#spend()
      if (!parsed.ok) throw new Refusal('invalid', { issues: parsed.issues })
      await this.#handle(connection, parsed.value)
      this.#refused = 0
    } catch (fault) {
      const refusal = this.#told(fault)
      if (!isOurs(refusal)) this.#refused += 1
      if (this.#refused > REFUSED_MAX) return connection.end('flooding')
      sendFrame(connection, refusedFrame(parsed.ok ? parsed.value.id : idIn(text), refusal))
    }
  }

  failed(connection: Connection, error: unknown): void {
    this.#parts.log.error({ err: error }, 'live socket failed')
    connection.end('internal')
  }

  closed(connection: Connection): void {
    clearTimeout(this.#signIn)
    for (const chatId of this.#watched.keys()) this.#unwatch(connection, chatId)
    this.#endDesk?.()
  }

  farewell(why: CloseName): string {
    const { code, reason, retry } = CLOSE_CODES[why]
    return encodeFrame({ type: 'bye', code, reason, retry })
  }

  #spend(): void {
    const accountId = this.#identity && idOf(this.#identity.actor)
    // A back end speaks for everybody.
    if (accountId) this.#parts.allowances.take(accountId)
  }

  async #handle(connection: Connection, frame: LiveClientFrame): Promise<void> {
    if (frame.type === 'authenticate') return this.#authenticate(connection, frame)
    const actor = this.#identity?.actor
    if (actor === undefined) throw new Refusal('unauthenticated')
    switch (frame.type) {
      case 'watch':
        return this.#watch(connection, actor, frame)
      case 'unwatch':
        this.#unwatch(connection, frame.chat_id)
        break
      case 'post':
        return this.#post(connection, actor, frame)
      case 'typing':
        this.#type(actor, frame)
        break
      case 'read':
        await this.#parts.chats.messages.moveReadCursor(actor, frame.chat_id, frame.message_id)
        break
      case 'stop':
      case 'continue':
      case 'regenerate':
      case 'resend':
        return sendFrame(connection, {
          type: 'ack',
          id: frame.id,
          message: await askOf(this.#parts.answers, actor, frame),
        })
      case 'watch_desk':
        this.#watchDesk(connection, actor)
        break
      case 'unwatch_desk':
        this.#endDesk?.()
        this.#endDesk = undefined
        break
      case 'ping':
        break
    }
    sendFrame(connection, { type: 'ack', id: frame.id })
  }

  async #authenticate(connection: Connection, { id, token }: Frame<'authenticate'>): Promise<void> {
    const { authenticator, hub } = this.#parts
    const identity = await authenticator.identifyAny({ token, apiKey: null, onBehalfOf: null })
    // What the socket watches, it watches as whom it was opened by.
    if (this.#identity !== undefined && !isSame(this.#identity.actor, identity.actor)) throw new Refusal('forbidden')
    hub.identify(connection, identity)
    clearTimeout(this.#signIn)
    this.#identity = identity
    this.#welcome(connection, id, identity)
  }

  #welcome(connection: Connection, id: string | null, { actor, expiresAt }: Identity<Participant>): void {
    const expires_at = Number.isFinite(expiresAt) ? new Date(expiresAt).toISOString() : null
    sendFrame(connection, { type: 'authenticated', id, user_id: idOf(actor), expires_at })
  }

  async #watch(
    connection: Connection,
    actor: Participant,
    { id, chat_id, after, batches = false }: Frame<'watch'>,
  ): Promise<void> {
    const { chats } = this.#parts
    const topics = batches ? this.#parts.topics.batched : this.#parts.topics.single
    const { presence } = chats.live
    if (!this.#watched.has(chat_id) && this.#watched.size >= WATCHES_MAX) throw new Refusal('too_many_watches')
    const passing = isPassing(actor, await chats.access.open(actor, chat_id))
    // What is closed meanwhile has left already, and would not leave again.
    if (connection.ended) return
    this.#unwatch(connection, chat_id)
    this.#watched.set(chat_id, topics)
    const userId = idOf(actor)
    if (userId !== null) presence.enter(chat_id, userId)
    try {
      const watch = new LiveWatch(connection, chat_id, id)
      if (passing) watch.ends(idOf(actor), () => this.#turnAway(connection, chat_id))
      await topics.join(connection, chat_id, after, watch)
      // It may have gone to somebody else before the socket heard of its events.
      if (passing) await chats.access.open(actor, chat_id)
    } catch (fault) {
      this.#unwatch(connection, chat_id)
      throw fault
    }
    sendFrame(connection, { type: 'presence', chat_id, ...presence.of(chat_id) })
  }

  /** A session that an agent watched is another's. */
  #turnAway(connection: Connection, chatId: string): void {
    if (connection.ended) return
    this.#unwatch(connection, chatId)
    sendFrame(connection, { type: 'unwatched', chat_id: chatId, reason: 'chat_missing' })
  }

  #unwatch(connection: Connection, chatId: string): void {
    const topics = this.#watched.get(chatId)
    if (topics === undefined) return
    this.#watched.delete(chatId)
    topics.leave(connection, chatId)
    const userId = this.#identity && idOf(this.#identity.actor)
    if (!userId) return
    const { live } = this.#parts.chats
    live.presence.leave(chatId, userId)
    live.typing.end(chatId, userId)
  }

  async #post(
    connection: Connection,
    actor: Participant,
    { type: _, id, chat_id, ...message }: Frame<'post'>,
  ): Promise<void> {
    const { chats, answers } = this.#parts
    const posted = await answers.post(actor, chat_id, message)
    const userId = idOf(actor)
    if (userId !== null) chats.live.typing.end(chat_id, userId)
    sendFrame(connection, { type: 'ack', id, message: posted })
  }

  /** Again: it begins anew. Throws `Refusal('forbidden')`. */
  #watchDesk(connection: Connection, actor: Participant): void {
    const end = this.#parts.deskFeed.watch(actor, (_, text) => connection.send(text))
    this.#endDesk?.()
    this.#endDesk = end
    if (connection.ended) end()
  }

  #type(actor: Participant, { chat_id, typing: types }: Frame<'typing'>): void {
    const userId = idOf(actor)
    if (userId === null) throw new Refusal('account_needed')
    if (!this.#watched.has(chat_id)) throw new Refusal('not_watching')
    const { typing } = this.#parts.chats.live
    if (types) typing.begin(chat_id, userId)
    else typing.end(chat_id, userId)
  }

  /** The refusal that the client is told of; a fault of ours is for the log. */
  #told(fault: unknown): Refusal {
    if (fault instanceof Refusal && !isOurs(fault)) return fault
    this.#parts.log.error({ err: fault instanceof Refusal ? (fault.cause ?? fault) : fault }, 'live frame failed')
    return fault instanceof Refusal ? fault : new Refusal('internal')
  }
}

/** One chat that the socket watches. */
class LiveWatch implements ChatWatch {
  readonly #connection: Connection
  readonly #chatId: string
  /** Of the frame that asked for it, until that is answered. */
  #id: string | null
  #staying: { agentId: string | null; turnAway: () => void } | undefined

  constructor(connection: Connection, chatId: string, id: string) {
    this.#connection = connection
    this.#chatId = chatId
    this.#id = id
  }

  /** For an agent: it reads for as long as the session is its own, or waits. */
  ends(agentId: string | null, turnAway: () => void): void {
    this.#staying = { agentId, turnAway }
  }

  supportChanged(text: string): void {
    const { data: event } = ChatEvent.safeParse(JSON.parse(text))
    if (this.#staying === undefined || event?.type !== 'support.updated') return
    const { agent_id, waiting_since } = event.data
    if (agent_id !== this.#staying.agentId && waiting_since === null) this.#staying.turnAway()
  }

  started(start: Start): Promise<void> | undefined {
    const frame = watchingFrame(this.#chatId, this.#id, start)
    this.#id = null
    return this.#connection.sendPaced(encodeFrame(frame))
  }

  failed(): void {
    this.#connection.end('storage_unavailable')
  }
}

function isSame(one: Participant, other: Participant): boolean {
  return one.kind === other.kind && idOf(one) === idOf(other)
}
