/** A session: the account it belongs to (`''`: to everyone, on a public API) and the client's name for it. */
export type SessionRef = { owner: string; id: string }

export type SessionEvent =
  | { position: number; type: 'message.created' /** JSON text of a `SessionMessage`. */; message: string }
  | { position: number; type: 'session.cleared' }
  | ({ position: number; type: 'session.promoted' } & Promoted)

/** The chat that a session has become. */
export type Promoted = {
  chatId: string
  /** Of the event of the chat that tells of the session's last message: what comes after is new to who knows the session. */
  seq: number
}

/** The bus channel of one session. */
export function sessionChannel({ owner, id }: SessionRef): string {
  // An id has no slash, so two different sessions never share a channel.
  return `session:${owner}/${id}`
}

/**
 * The bus's text of a change: the position, a space, and what it was: a message's JSON, nothing for a clear, or the text of
 * a promotion.
 */
export function sessionEvent(position: number, change = ''): string {
  return `${position} ${change}`
}

export function promotedText({ chatId, seq }: Promoted): string {
  return `promoted ${chatId} ${seq}`
}

export function parseSessionEvent(text: string): SessionEvent {
  const space = text.indexOf(' ')
  const position = Number(text.slice(0, space))
  const change = text.slice(space + 1)
  if (change === '') return { position, type: 'session.cleared' }
  // JSON of an object, which is what a message is, begins with its brace.
  if (change.startsWith('{')) return { position, type: 'message.created', message: change }
  const [, chatId = '', seq] = change.split(' ')
  return { position, type: 'session.promoted', chatId, seq: Number(seq) }
}
