import type { Logger } from 'pino'
import type { CloseName } from '../../contract/close-codes.ts'
import { FAILURES } from '../../contract/failures.ts'
import { FRAME_MAX, Id } from '../../contract/text.ts'
import type { Actor } from '../../domain/accounts/actor.ts'
import { idOf } from '../../domain/chats/access.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { tellSaid } from '../../domain/live/said.ts'
import type { OpenChat } from '../../domain/live/watched-chat.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { Allowances } from './allowances.ts'
import { AnswerDialect, encodeChatFrame } from './chat-frames.ts'
import { ChatTopics } from './chat-topics.ts'
import type { Connection, Dialect } from './connection.ts'
import type { Hub } from './hub.ts'

/** What all sockets of the Chats API share. */
export type ChatSocketParts = {
  chats: ChatServices
  hub: Hub
  allowances: Allowances
  log: Logger
  dialect: AnswerDialect
  topics: ChatTopics
  /** A client that sends nothing for so many milliseconds is gone. */
  silentMs: number
}

export function chatSocketParts(
  parts: Pick<ChatSocketParts, 'chats' | 'hub' | 'allowances' | 'log'>,
  silentMs: number,
): ChatSocketParts {
  const dialect = new AnswerDialect()
  const topics = new ChatTopics({ publisher: parts.hub, live: parts.chats.live }, dialect)
  return { ...parts, dialect, topics, silentMs }
}

/** A client that goes on after so many refusals in a row does not listen: its socket is closed. */
const REFUSED_MAX = 500
/** An unknown type is told back, as far as this. */
const TOLD_LENGTH = 100

/** The documented socket of a chat: the client sends `ChatSocketFrame`, the server `ChatSocketServerFrame`. */
export class ChatSocket implements Dialect {
  readonly #parts: ChatSocketParts
  readonly #actor: Actor
  /** What is told after `seq` is for this socket. */
  readonly #chat: { id: string; seq: number }
  #open: OpenChat | undefined
  #silence: ReturnType<typeof setTimeout> | undefined
  /** Frames in a row that were not taken. */
  #refused = 0

  constructor(parts: ChatSocketParts, actor: Actor, chat: { id: string; seq: number }) {
    this.#parts = parts
    this.#actor = actor
    this.#chat = chat
  }

  async open(connection: Connection): Promise<void> {
    const { chats, topics, silentMs } = this.#parts
    this.#silence = setTimeout(() => connection.end('silent'), silentMs)
    const { id, seq } = this.#chat
    const open = await chats.live.chats.open(id)
    // What was closed meanwhile has left already, and would not leave again.
    if (connection.ended) return open.close()
    this.#open = open
    await topics.join(connection, id, seq, {
      // There is no frame for a chat as a whole: who missed something comes back and asks.
      started({ recovered }) {
        if (!recovered) connection.end('too_slow')
      },
      failed: () => connection.end('storage_unavailable'),
    })
  }

  async frame(connection: Connection, text: string | undefined): Promise<void> {
    this.#silence?.refresh()
    try {
      const accountId = idOf(this.#actor)
      if (accountId !== null) this.#parts.allowances.take(accountId)
      if (text === undefined) return this.#refuse(connection, `A frame is text of at most ${FRAME_MAX} bytes.`)
      await this.#handle(connection, text)
    } catch (fault) {
      const reason = fault instanceof Refusal ? fault.reason : 'internal'
      if (reason === 'chat_missing') return connection.end('policy')
      if (FAILURES[reason].status >= 500) this.#tell(fault)
      this.#refuse(connection, FAILURES[reason].detail)
    }
  }

  failed(connection: Connection, error: unknown): void {
    this.#tell(error)
    const reason = error instanceof Refusal ? error.reason : 'internal'
    if (reason === 'chat_missing') connection.end('policy')
    else connection.end(reason === 'storage_unavailable' ? reason : 'internal')
  }

  closed(connection: Connection): void {
    clearTimeout(this.#silence)
    if (this.#open === undefined) return
    this.#parts.topics.leave(connection, this.#chat.id)
    this.#open.close()
  }

  farewell(why: CloseName): string | undefined {
    if (why !== 'silent') return undefined
    return encodeChatFrame({ type: 'timeout', message: 'Connection timed out: no frame came for too long' })
  }

  async #handle(connection: Connection, text: string): Promise<void> {
    const frame = objectIn(text)
    if (frame === undefined) return this.#refuse(connection, 'Invalid JSON format')
    const { type, message_id, timestamp } = frame
    if (type === 'stream_request') return this.#stream(connection, message_id)
    if (type !== 'ping') return this.#refuse(connection, `Unknown message type: ${toldType(type)}`)
    this.#refused = 0
    connection.send(encodeChatFrame({ type: 'pong', timestamp: timestamp ?? null }))
  }

  async #stream(connection: Connection, given: unknown): Promise<void> {
    if (given === undefined || given === null || given === '') return this.#refuse(connection, 'Missing message_id')
    const messageId = Id.safeParse(given).data
    if (messageId === undefined) throw new Refusal('message_missing')
    if (this.#open === undefined) return
    const { chats, dialect, topics } = this.#parts
    await tellSaid(chats, this.#actor, this.#open.tail, messageId, (said) => {
      for (const frame of dialect.asked(messageId, said)) topics.tell(connection, this.#chat.id, frame)
    })
    this.#refused = 0
  }

  #refuse(connection: Connection, error: string): void {
    this.#refused += 1
    if (this.#refused > REFUSED_MAX) return connection.end('flooding')
    connection.send(encodeChatFrame({ error }))
  }

  #tell(fault: unknown): void {
    const err = fault instanceof Refusal ? (fault.cause ?? fault) : fault
    this.#parts.log.error({ err, chat_id: this.#chat.id }, 'chat socket failed')
  }
}

/** The socket of somebody who may not have it. */
export class Turned implements Dialect {
  async open(connection: Connection): Promise<void> {
    connection.end('policy')
  }

  async frame(): Promise<void> {}

  failed(): void {}
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function toldType(type: unknown): string {
  if (type === undefined || type === null) return 'None'
  return (typeof type === 'string' ? type : JSON.stringify(type)).slice(0, TOLD_LENGTH).toWellFormed()
}
