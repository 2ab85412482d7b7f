import type { Chat } from '../../contract/chats.ts'
import { SessionMessage, type SessionPromotion } from '../../contract/sessions.ts'
import type { AccountActor, Actor } from '../accounts/actor.ts'
import type { SessionStore } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { type Promoted, type SessionRef, sessionChannel } from './events.ts'

/** The longest title of a chat, in UTF-16 code units. */
const TITLE_MAX = 100

/** What becomes a chat, under the id that was chosen for it. */
export type PromotedConversation = {
  chatId: string
  title: string
  /** Oldest first, at least one. */
  messages: readonly SessionMessage[]
  /** The account that said what a `user` said; `null` where nobody knows. */
  saidBy: string | null
}

/**
 * Where sessions become chats. Both calls go one at a time for a name, on all instances, and find nothing under way that an
 * earlier one began, also where its connection was lost.
 */
export interface Promotions {
  /**
   * Writes what `take` gives as a chat of the account, whole or not at all, unless a chat with that id is there. It then has
   * an event for itself, one for its branch, and one for each message. Throws what `take` throws; `Refusal('token_invalid')`
   * before it is called; `Refusal('message_exists')` where a message's id is taken.
   */
  make(
    actor: AccountActor,
    name: string,
    take: () => Promise<PromotedConversation>,
  ): Promise<{ chat: Chat; isNew: boolean }>
  /** Calls `settle` with whether the chat is there. */
  settle(name: string, chatId: string, settle: (isMade: boolean) => Promise<void>): Promise<void>
}

/** What is sealed, as the store keeps it. */
type Sealed = { chatId: string; texts: readonly string[] }

/**
 * Makes chats of sessions: seals the session, so that what it holds is what becomes the chat; writes the chat; then tells
 * its watchers. Each step may be done again, by any instance, after one that died in between.
 */
export class SessionPromoter {
  readonly #sessions: SessionStore
  readonly #chats: Promotions

  constructor(sessions: SessionStore, chats: Promotions) {
    this.#sessions = sessions
    this.#chats = chats
  }

  /**
   * The session's chat: made now, or the same one as before. Throws `Refusal('session_empty')`,
   * `Refusal('session_unreadable')`, and `Refusal('session_promoted')` where it is another account's.
   */
  async promote(
    actor: Actor,
    session: SessionRef,
    { title }: SessionPromotion,
  ): Promise<{ chat: Chat; isNew: boolean }> {
    if (actor.kind === 'service') throw new Refusal('account_needed')
    const way: { sealed?: Promise<Sealed>; isOver: boolean } = { isOver: false }
    try {
      const made = await this.#chats.make(actor, sessionChannel(session), async () => {
        // It was given up while it waited for its turn.
        if (way.isOver) throw new Refusal('storage_unavailable')
        way.sealed = this.#seal(session, actor.accountId)
        const { chatId, texts } = await way.sealed
        const messages = texts.map(readMessage)
        const saidBy = session.owner === actor.accountId ? actor.accountId : null
        return { chatId, title: title ?? titleOf(messages, session.id), messages, saidBy }
      })
      const sealed = await way.sealed
      if (sealed) await this.#sessions.promoted(session, promotedOf(sealed))
      return made
    } catch (fault) {
      way.isOver = true
      // The database may have gone while the seal was on its way.
      const sealed = await way.sealed?.catch(() => undefined)
      // Where that fails too, the session stays sealed until it is promoted again: the chat may be there.
      if (sealed) await this.#settle(session, promotedOf(sealed)).catch(() => {})
      throw fault
    }
  }

  async #seal(session: SessionRef, accountId: string): Promise<Sealed> {
    const chatId = Bun.randomUUIDv7()
    const sealed = await this.#sessions.seal(session, { chatId, accountId }).catch(async (fault: unknown) => {
      // It may have come about all the same. Nothing else knows this id yet.
      await this.#sessions.unseal(session, chatId).catch(() => {})
      throw fault
    })
    if (sealed === undefined) throw new Refusal('session_empty')
    if (sealed.seal.accountId !== accountId) throw new Refusal('session_promoted')
    return { chatId: sealed.seal.chatId, texts: sealed.messages }
  }

  /** After a failure, which may have come before or after the commit. */
  #settle(session: SessionRef, promoted: Promoted): Promise<void> {
    return this.#chats.settle(sessionChannel(session), promoted.chatId, (isMade) =>
      isMade ? this.#sessions.promoted(session, promoted) : this.#sessions.unseal(session, promoted.chatId),
    )
  }
}

/** The chat's first two events are not of messages. */
function promotedOf({ chatId, texts }: Sealed): Promoted {
  return { chatId, seq: texts.length + 2 }
}

/** The store's own text may have been changed by hand. A chat without that message would be a loss that nobody notices. */
function readMessage(text: string): SessionMessage {
  try {
    return SessionMessage.parse(JSON.parse(text))
  } catch (fault) {
    throw new Refusal('session_unreadable', { cause: fault })
  }
}

/** How the first message of a `user` begins; where it says nothing that a title can, the session's name. */
function titleOf(messages: readonly SessionMessage[], sessionId: string): string {
  const said = messages.find(({ role }) => role === 'user')?.content ?? ''
  const lines = said.split(/[\r\n\u2028\u2029]/).map((line) => line.replace(/\p{Cc}+/gu, ' ').trim())
  return cut(lines.find((line) => line !== '') ?? sessionId)
}

/** No half of a surrogate pair stays at the end. */
function cut(line: string): string {
  return line
    .slice(0, TITLE_MAX)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()
}
