import { Elysia } from 'elysia'
import type { Logger } from 'pino'
import type { Config } from '../../config.ts'
import { failures, type Issue } from '../../contract/failures.ts'
import { NewSessionMessage, SessionParams, SessionServerFrame } from '../../contract/sessions.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { Refusal } from '../../domain/refusal.ts'
import { parseSessionEvent, type SessionRef, sessionChannel } from '../../domain/sessions/events.ts'
import { conversationText, type SessionService } from '../../domain/sessions/service.ts'
import { CLOSE_CODES_TOLD } from '../docs/close-codes.ts'
import { securityOf, socketAccess } from '../plugins/access.ts'
import { parseJson } from '../plugins/issues.ts'
import { SIGNED_IN } from '../plugins/signed-in.ts'
import { type Connection, type Dialect, FRAME_MAX } from './connection.ts'
import type { Hub } from './hub.ts'
import type { Feed } from './topic.ts'

const TOO_LONG: Issue = { loc: [], msg: `A frame is text of at most ${FRAME_MAX} bytes.`, type: 'too_big' }

const SOCKET = `
Open this address as a WebSocket (\`ws:\` or \`wss:\`). The server sends \`SessionServerFrame\`: first \`session.sync\` with the
session as it is, then \`message.created\` and \`session.cleared\` for every change, whoever made it; nothing is missing and
nothing comes twice.

The client sends \`NewSessionMessage\`, the body of the POST, at most 64 KiB. Its frames are handled in the order in which they
came. One that is not valid is answered with an \`error\` frame, to its sender only, and the socket stays open.

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
    ({ owner, params: { session_id }, request, server, set }) => {
      // Bun has answered; this is for the log.
      set.status = 101
      hub.upgrade(request, server, sessionDialect(sessions, hub, { owner, id: session_id }, log))
    },
    {
      params: SessionParams,
      response: {
        // Nothing is answered here: what the socket sends is for the documentation.
        101: SessionServerFrame.optional(),
        ...failures(...SIGNED_IN, 'origin_forbidden', 'invalid', 'upgrade_required', 'restarting', 'internal'),
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
      if (parsed.ok) await sessions.say(session, parsed.value)
      else refuse(connection, parsed.issues)
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

function refuse(connection: Connection, errors: Issue[]): void {
  const frame: SessionServerFrame = { type: 'error', detail: 'Invalid message payload.', reason: 'invalid', errors }
  connection.send(JSON.stringify(frame))
}

function sessionFeed(sessions: SessionService, session: SessionRef): Feed {
  const channel = sessionChannel(session)
  return {
    channel,
    topic: channel,
    // The frames are put together from texts that are JSON already, see `SessionServerFrame` for their shape.
    encode(payload) {
      const event = parseSessionEvent(payload)
      const { position } = event
      if (event.type === 'session.cleared') {
        return { position, frame: `{"type":"session.cleared","session_id":"${session.id}"}` }
      }
      return { position, frame: `{"type":"message.created","session_id":"${session.id}","message":${event.message}}` }
    },
    async snapshot() {
      const { position, messages } = await sessions.read(session)
      return { position, frame: `{"type":"session.sync","session":${conversationText(session.id, messages)}}` }
    },
  }
}
