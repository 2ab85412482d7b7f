import { Elysia } from 'elysia'
import type { Logger } from 'pino'
import type { Config } from '../../config.ts'
import { failures, type Issue } from '../../contract/failures.ts'
import { NewSessionMessage, SessionParams, SessionServerFrame } from '../../contract/sessions.ts'
import { FRAME_MAX } from '../../contract/text.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { Refusal } from '../../domain/refusal.ts'
import { parseSessionEvent, type SessionEvent, type SessionRef, sessionChannel } from '../../domain/sessions/events.ts'
import { conversationText, type SessionService } from '../../domain/sessions/service.ts'
import { CLOSE_CODES_TOLD } from '../docs/close-codes.ts'
import { securityOf, socketAccess } from '../plugins/access.ts'
import { parseJson } from '../plugins/issues.ts'
import { SIGNED_IN } from '../plugins/signed-in.ts'
import type { Connection, Dialect } from './connection.ts'
import type { Hub } from './hub.ts'
import type { Feed } from './topic.ts'

const TOO_LONG: Issue = { loc: [], msg: `A frame is text of at most ${FRAME_MAX} bytes.`, type: 'too_big' }

const SOCKET = `
Open this address as a WebSocket (\`ws:\` or \`wss:\`). The server sends \`SessionServerFrame\`: first \`session.sync\` with the
session as it is, then \`message.created\` and \`session.cleared\` for every change, whoever made it; nothing is missing and
nothing comes twice. \`session.promoted\` is the last: the session has become a chat.

The client sends \`NewSessionMessage\`, the body of the POST, at most 64 KiB. Its frames are handled in the order in which they
came. One that is not valid, or that comes once the session has become a chat, is answered with an \`error\` frame, to its
sender only, and the socket stays open.

${CLOSE_CODES_TOLD}
`.trim()

export function sessionSocket(
  sessions: SessionService,
  authenticator: Authenticator,
  hub: Hub,
  config: Config,
  log: Logger,
) {
  const socket = new Elysia({ name: 'ws/sessions' }).use(socketAccess(config, 'sessions', authenticator))
  // A statement of its own: what a chain returns would offer the socket to clients as a call.
  socket.get(
    '/v1/chat/sessions/:session_id/ws',
    ({ owner, opening, params: { session_id }, request, server, set }) => {
      // Bun has answered; this is for the log.
      set.status = 101
      hub.upgrade(request, server, sessionDialect(sessions, hub, { owner, id: session_id }, log), opening)
    },
    {
      params: SessionParams,
      response: {
        // Nothing is answered here: what the socket sends is for the documentation.
        101: SessionServerFrame.optional(),
        ...failures(
          ...SIGNED_IN,
          'origin_forbidden',
          'invalid',
          'upgrade_required',
          'too_many_sockets',
          'restarting',
          'internal',
        ),
      },
      detail: {
        tags: ['Sessions'],
        security: securityOf(config, 'sessions'),
        operationId: 'watchSession',
        summary: 'Watch a session and post to it (WebSocket)',
        description: SOCKET,
      },
    },
  )
  return socket
}

/** The documented socket of a session: the client sends `NewSessionMessage`, the server `SessionServerFrame`. */
function sessionDialect(sessions: SessionService, hub: Hub, session: SessionRef, log: Logger): Dialect {
  const feed = sessionFeed(sessions, session)
  return {
    open: (connection) => hub.join(connection, feed),

    async frame(connection, text) {
      const parsed =
        text === undefined ? { ok: false as const, issues: [TOO_LONG] } : parseJson(NewSessionMessage, text)
      // The message comes back to its sender by the feed, like to everyone else.
      if (!parsed.ok) return refuse(connection, 'Invalid message payload.', 'invalid', parsed.issues)
      try {
        await sessions.say(session, parsed.value)
      } catch (fault) {
        if (!(fault instanceof Refusal && fault.reason === 'session_promoted')) throw fault
        refuse(connection, fault.message, fault.reason)
      }
    },

    failed(connection, error) {
      const away = error instanceof Refusal && error.reason === 'storage_unavailable'
      log.error(
        { err: error instanceof Refusal ? (error.cause ?? error) : error, session_id: session.id },
        'socket failed',
      )
      connection.end(away ? 'storage_unavailable' : 'internal')
    },
  }
}

function refuse(
  connection: Connection,
  detail: string,
  reason: 'invalid' | 'session_promoted',
  errors: Issue[] = [],
): void {
  const frame: SessionServerFrame = { type: 'error', detail, reason, errors }
  connection.send(JSON.stringify(frame))
}

function sessionFeed(sessions: SessionService, session: SessionRef): Feed {
  const channel = sessionChannel(session)
  return {
    channel,
    topic: channel,
    encode(payload) {
      const event = parseSessionEvent(payload)
      return { position: event.position, frame: frameOf(session.id, event) }
    },
    async snapshot() {
      const { position, messages, promoted } = await sessions.read(session)
      const sync = `{"type":"session.sync","session":${conversationText(session.id, messages)}}`
      if (promoted === undefined) return { position, frames: [sync] }
      return { position, frames: [sync, frameOf(session.id, { position, type: 'session.promoted', ...promoted })] }
    },
  }
}

/** Put together from texts that are JSON already, see `SessionServerFrame` for their shape. */
function frameOf(sessionId: string, event: SessionEvent): string {
  const head = `{"type":"${event.type}","session_id":"${sessionId}"`
  switch (event.type) {
    case 'message.created':
      return `${head},"message":${event.message}}`
    case 'session.cleared':
      return `${head}}`
    case 'session.promoted':
      return `${head},"chat_id":"${event.chatId}","seq":${event.seq}}`
  }
}
