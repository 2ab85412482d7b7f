import type { AskedMessage } from '../../src/contract/answers.ts'
import type { DivergingEdit } from '../../src/contract/branch-calls.ts'
import type { Message } from '../../src/contract/chats.ts'
import { ChatFeed, type ChatReader } from './chat-feed.ts'
import { DeskFeed } from './desk-feed.ts'
import { type DeskWatch, WatchedDesk } from './desk-watch.ts'
import { ParleyError } from './errors.ts'
import { SocketClosed } from './frames.ts'
import { ListenedChat, type LiveChat } from './live-chat.ts'
import { errorOf } from './live-frames.ts'
import { type LiveOptions, LiveSocket, type LiveStatus } from './live-socket.ts'
import { type LiveWatch, WatchedChat } from './live-watch.ts'
import type { Observable } from './observable.ts'
import type { Answer, LiveDraft } from './outbox.ts'
import { randomId } from './random-id.ts'
import { TypingPace } from './typing-pace.ts'

export interface CallOptions {
  /** Milliseconds until a call that has no answer yet fails. Default 30,000. */
  deadline?: number | undefined
}

/** One connection for all of an account's chats. */
export interface Live {
  /**
   * Every change of a chat, by `seq`, none missing and none twice, through any number of lost connections. `after`: the
   * last `seq` that is known already. First comes `watching`; where that has a `snapshot`, the chat is as that says, and
   * the events follow. It comes again, with a snapshot, where too much was missed to be told one by one. Leaving the loop
   * ends the watch. Throws `ParleyError` when the server refuses, `SocketClosed` when the socket is gone for good.
   */
  watch(chatId: string, options?: { after?: number | undefined }): LiveWatch
  /** The chat as it is, who watches and who types: watched while anybody listens. The same object for the same chat. */
  chat(chatId: string): LiveChat
  /**
   * Resolves to the message as it is stored. One that got no answer is sent again after a reconnect and stored once: by
   * the `client_id` of the message, made here where it has none. Rejects with `ParleyError` for a refusal; with the reason
   * `unreachable` past the deadline, when it may have been stored, or may not; and with `SocketClosed`.
   */
  post(chatId: string, message: AskedMessage, options?: CallOptions): Promise<Message>
  /** Ends an answer, and keeps what it said; resolves to it. One that has ended stays as it is. Rejects like `post`. */
  stop(chatId: string, messageId: string, options?: CallOptions): Promise<Message>
  /**
   * Goes on with an answer that was stopped or has failed, in the same message. Rejects like `post`; with `unreachable` also
   * where the connection broke before the answer to the call came: it is not sent again.
   */
  continue(chatId: string, messageId: string, options?: CallOptions): Promise<Message>
  /** Answers once more, in a branch beside; resolves to the new answer. Rejects like `continue`. */
  regenerate(chatId: string, messageId: string, options?: CallOptions): Promise<Message>
  /** Asks something else in a question's place, in a branch of its own; resolves to that. It is stored once, like a post. */
  resend(chatId: string, messageId: string, message: DivergingEdit, options?: CallOptions): Promise<Message>
  /** The account has read this message and all before it. Rejects like `post`. */
  read(chatId: string, messageId: string, options?: CallOptions): Promise<void>
  /** Say it with every key: the server is told as often as it must be. For a chat that is watched here. */
  typing(chatId: string, typing: boolean): void
  /**
   * For agents: the queue and the agent's own sessions, as they are and each time that they have changed, and notes as they
   * are written; through any number of lost connections, after which notes that were missed are to be listed. Leaving the
   * loop ends the watch. Throws like `watch`.
   */
  watchDesk(): DeskWatch
  readonly status: Observable<LiveStatus>
  /** Ends every watch and rejects every call that is not answered. */
  close(): void
}

/** What would be done twice if it were sent twice. */
const ONCE: ReadonlySet<LiveDraft['type']> = new Set(['continue', 'regenerate'])

/** Chats that are kept although nobody listens, to be there at once when somebody does again. */
const KEPT_MAX = 50

/** The live socket of the server at `url`. It is opened now, and stays until `close` or the server's last word. */
export function openLive(url: string, options: LiveOptions): Live {
  return new Chats(url, options)
}

class Chats implements Live {
  readonly status: Observable<LiveStatus>
  readonly #socket: LiveSocket
  readonly #feeds = new Map<string, ChatFeed>()
  readonly #chats = new Map<string, ListenedChat>()
  readonly #desk: DeskFeed
  readonly #calls = new Set<(error: Error) => void>()
  readonly #pace = new TypingPace()
  #ended: { error: Error | undefined } | undefined

  constructor(url: string, options: LiveOptions) {
    this.#socket = new LiveSocket(url, options, {
      opened: () => {
        this.#eachFeed((feed) => feed.opened())
        this.#desk.opened()
      },
      lost: () => {
        this.#eachFeed((feed) => feed.lost())
        this.#desk.lost()
      },
      heard: (frame, length) => {
        if ('chat_id' in frame) this.#feeds.get(frame.chat_id)?.heard(frame, length)
        else this.#desk.heard(frame)
      },
      ended: (error) => this.#end(error),
    })
    this.#desk = new DeskFeed(this.#socket.outbox)
    this.status = this.#socket.status
  }

  watch(chatId: string, { after }: { after?: number | undefined } = {}): LiveWatch {
    return new WatchedChat(this.#sourceOf(chatId), after)
  }

  chat(chatId: string): LiveChat {
    const id = keyOf(chatId)
    const known = this.#chats.get(id)
    if (known !== undefined) return known
    if (this.#chats.size >= KEPT_MAX) {
      for (const [other, chat] of this.#chats) {
        if (chat.listened) continue
        this.#chats.delete(other)
        break
      }
    }
    const chat = new ListenedChat(id, this.#sourceOf(chatId))
    this.#chats.set(id, chat)
    return chat
  }

  post(chatId: string, message: AskedMessage, options?: CallOptions): Promise<Message> {
    const { client_id = randomId() } = message
    this.#pace.ended(keyOf(chatId))
    return this.#message({ ...message, type: 'post', chat_id: chatId, client_id }, options)
  }

  stop(chatId: string, messageId: string, options?: CallOptions): Promise<Message> {
    return this.#message({ type: 'stop', chat_id: chatId, message_id: messageId }, options)
  }

  continue(chatId: string, messageId: string, options?: CallOptions): Promise<Message> {
    return this.#message({ type: 'continue', chat_id: chatId, message_id: messageId }, options)
  }

  regenerate(chatId: string, messageId: string, options?: CallOptions): Promise<Message> {
    return this.#message({ type: 'regenerate', chat_id: chatId, message_id: messageId }, options)
  }

  resend(chatId: string, messageId: string, message: DivergingEdit, options?: CallOptions): Promise<Message> {
    const { client_id = randomId() } = message
    return this.#message({ ...message, type: 'resend', chat_id: chatId, message_id: messageId, client_id }, options)
  }

  async read(chatId: string, messageId: string, options?: CallOptions): Promise<void> {
    await this.#call({ type: 'read', chat_id: chatId, message_id: messageId }, options)
  }

  typing(chatId: string, typing: boolean): void {
    if (this.status.getSnapshot() !== 'open' || !this.#pace.isTold(keyOf(chatId), typing)) return
    this.#socket.outbox.ask({ lasts: false, frame: { type: 'typing', chat_id: chatId, typing } })
  }

  watchDesk(): DeskWatch {
    return new WatchedDesk({
      add: (reader) => (this.#ended === undefined ? this.#desk.add(reader) : reader.ends(this.#ended.error)),
      remove: (reader) => this.#desk.remove(reader),
    })
  }

  close(): void {
    this.#socket.close()
  }

  async #message(frame: LiveDraft, options?: CallOptions): Promise<Message> {
    const answer = await this.#call(frame, options)
    if (answer.type === 'ack' && answer.message !== undefined) return answer.message
    throw new ParleyError(200, answer)
  }

  #call(frame: LiveDraft, { deadline = 30_000 }: CallOptions = {}): Promise<Answer> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended.error ?? closedHere())
    return new Promise((resolve, reject) => {
      const drop = this.#socket.outbox.ask({
        lasts: true,
        frame,
        answered: (answer) => done(() => resolve(answer)),
        refused: (refusal) => done(() => reject(errorOf(refusal))),
        ...(ONCE.has(frame.type) ? { lost: () => fail(new ParleyError(0, undefined)) } : {}),
      })
      const fail = (error: Error) => done(() => reject(error))
      const late = setTimeout(() => fail(new ParleyError(0, undefined)), deadline)
      this.#calls.add(fail)
      const done = (settle: () => void) => {
        clearTimeout(late)
        this.#calls.delete(fail)
        drop()
        settle()
      }
    })
  }

  #sourceOf(chatId: string) {
    const id = keyOf(chatId)
    return {
      add: (reader: ChatReader, after: number | undefined) => {
        if (this.#ended !== undefined) return reader.ends(this.#ended.error)
        this.#feedOf(id).add(reader, after)
      },
      remove: (reader: ChatReader) => {
        const feed = this.#feeds.get(id)
        feed?.remove(reader)
        if (feed?.empty) this.#feeds.delete(id)
      },
      resume: (reader: ChatReader) => this.#feeds.get(id)?.resume(reader),
    }
  }

  #feedOf(id: string): ChatFeed {
    const known = this.#feeds.get(id)
    if (known !== undefined) return known
    const feed = new ChatFeed(id, this.#socket.outbox)
    this.#feeds.set(id, feed)
    if (this.status.getSnapshot() === 'open') feed.opened()
    return feed
  }

  #eachFeed(tell: (feed: ChatFeed) => void): void {
    for (const feed of [...this.#feeds.values()]) tell(feed)
  }

  /** `error`: not set where it was closed from here. */
  #end(error: Error | undefined): void {
    this.#ended = { error }
    for (const fail of [...this.#calls]) fail(error ?? closedHere())
    this.#eachFeed((feed) => feed.end(error))
    this.#desk.end(error)
  }
}

/** Ids are kept in small letters, however somebody writes them. */
function keyOf(chatId: string): string {
  return chatId.toLowerCase()
}

function closedHere(): SocketClosed {
  return new SocketClosed({ code: 1000, reason: 'The socket was closed here' })
}
