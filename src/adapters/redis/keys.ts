import { chatChannel } from '../../domain/chats/log.ts'
import type { AnswerRef } from '../../domain/ports.ts'
import { type SessionRef, sessionChannel } from '../../domain/sessions/events.ts'

/**
 * The name of a bus channel on the server. In braces, so that in a Redis Cluster it is in the slot of the keys that
 * have the same text in braces: a script can change those and publish here.
 */
export function channelKey(prefix: string, channel: string): string {
  return `${prefix}{${channel}}`
}

export function sessionKeys(prefix: string, session: SessionRef): { channel: string; key: string } {
  const channel = channelKey(prefix, sessionChannel(session))
  return { channel, key: `${channel}:messages` }
}

/** An owner's sessions: by id, and by when they expire. */
export function indexKeys(prefix: string, owner: string): [ids: string, expiries: string] {
  const slot = `${prefix}{sessions:${owner}}`
  return [`${slot}:ids`, `${slot}:expiries`]
}

/** Of an answer what is known of it, and its text. */
export function answerKeys(
  prefix: string,
  { chatId, answerId }: AnswerRef,
): { channel: string; keys: [state: string, text: string] } {
  const channel = channelKey(prefix, chatChannel(chatId))
  return { channel, keys: [`${channel}:answer:${answerId}`, `${channel}:answer:${answerId}:text`] }
}
