import type { AnswerDelta, AnswerSnapshot } from '../contract/answers.ts'
import type { Watching } from '../contract/live.ts'
import type { Participant } from '../domain/accounts/actor.ts'
import type { Identity } from '../domain/accounts/authenticator.ts'
import type { Holders } from '../domain/accounts/holders.ts'
import type { Followed } from '../domain/live/follow.ts'
import type { Live } from '../domain/live/live.ts'
import type { Start } from '../domain/live/starts.ts'
import type { AnswerRef } from '../domain/ports.ts'

export type Following = {
  events: AsyncGenerator<Followed>
  /** Aborted once the token is no good any more. */
  expired: AbortSignal
  /** Lets go of the token and ends the reading; may be called again. */
  end(): void
}

/**
 * A chat's changes for a stream of this caller: until one of the signals is aborted, or the token is no good any more.
 * Throws `Refusal('chat_missing' | 'too_many_sockets' | 'storage_unavailable')` at once, not from within the stream.
 */
export async function following(
  { live, holders }: { live: Live; holders: Holders },
  identity: Identity<Participant>,
  { chatId, after }: { chatId: string; after: number | undefined },
  ...signals: AbortSignal[]
): Promise<Following> {
  const { signal, end } = heldBy(holders, identity)
  const events = live.follow(identity.actor, chatId, after, AbortSignal.any([signal, ...signals]))
  try {
    const first = await events.next()
    return { events: startingWith(first, events), expired: signal, end }
  } catch (refused) {
    end()
    throw refused
  }
}

/** A signal that is aborted once the token is no good any more, or by `end`. Throws `Refusal('too_many_sockets')`. */
export function heldBy(holders: Holders, identity: Identity<Participant>): { signal: AbortSignal; end(): void } {
  const ended = new AbortController()
  const held = holders.hold(identity, { expired: () => ended.abort() })
  return {
    signal: ended.signal,
    end() {
      held.release()
      ended.abort()
    },
  }
}

async function* startingWith<T>(first: IteratorResult<T, void>, rest: AsyncGenerator<T, void>): AsyncGenerator<T> {
  try {
    if (first.done !== true) yield first.value
    yield* rest
  } finally {
    await rest.return()
  }
}

/** More of an answer, as a client is told. */
export function answerFrame(
  answer: AnswerRef,
  offset: number | undefined,
  content: string,
): AnswerSnapshot | AnswerDelta {
  const of = { chat_id: answer.chatId, message_id: answer.messageId }
  return offset === undefined
    ? { type: 'answer.snapshot', ...of, content, offset: content.length }
    : { type: 'answer.delta', ...of, offset, content }
}

/** How a reading begins, as a client is told; `id` is that of the frame that asked for it. */
export function watchingFrame(chatId: string, id: string | null, start: Start): Watching {
  return { type: 'watching', id, chat_id: chatId, ...start }
}
