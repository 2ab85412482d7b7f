/** A session: the account it belongs to (`''`: to everyone, on a public API) and the client's name for it. */
export type SessionRef = { owner: string; id: string }

export type SessionEvent =
  | { position: number; type: 'message.created' /** JSON text of a `SessionMessage`. */; message: string }
  | { position: number; type: 'session.cleared' }

/** The bus channel of one session. */
export function sessionChannel({ owner, id }: SessionRef): string {
  // An id has no slash, so two different sessions never share a channel.
  return `session:${owner}/${id}`
}

/** The bus's text of a change: the position, a space, and the message's JSON (nothing for a clear). */
export function sessionEvent(position: number, message = ''): string {
  return `${position} ${message}`
}

export function parseSessionEvent(text: string): SessionEvent {
  const space = text.indexOf(' ')
  const position = Number(text.slice(0, space))
  const message = text.slice(space + 1)
  return message === '' ? { position, type: 'session.cleared' } : { position, type: 'message.created', message }
}
