import { Elysia } from 'elysia'
import type { Logger } from 'pino'
import type { Config } from '../../config.ts'
import { DeskFrame, DeskParams, DeskServerFrame, type DeskServerFrame as ServerFrame } from '../../contract/desk.ts'
import { FAILURES, failures, type Issue } from '../../contract/failures.ts'
import { FRAME_MAX } from '../../contract/text.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { saidIn } from '../../domain/desk/said.ts'
import type { DeskCaller, DeskService } from '../../domain/desk/service.ts'
import type { TailEvent } from '../../domain/live/chat-tail.ts'
import type { Live } from '../../domain/live/live.ts'
import { Refusal } from '../../domain/refusal.ts'
import { CLOSE_CODES_TOLD } from '../docs/close-codes.ts'
import { securityOf, socketAccess } from '../plugins/access.ts'
import { parseJson } from '../plugins/issues.ts'
import { SIGNED_IN } from '../plugins/signed-in.ts'
import { ChatTopics } from './chat-topics.ts'
import type { Connection, Dialect } from './connection.ts'
import type { Hub } from './hub.ts'

const SOCKET = `
Open this address as a WebSocket (\`ws:\` or \`wss:\`). The server sends \`DeskServerFrame\`: every message that is stored from
then on, whatever its way in, by \`id\`, none missing and none twice. The client sends \`DeskFrame\`, at most 64 KiB. Its frames
are handled in the order in which they came; one that is not taken is answered with an \`error\`, to its sender only, and the
socket stays open. A message of the \`user\` is answered afterwards.

There is no way to resume: after a lost connection, open the socket again and read the session.

${CLOSE_CODES_TOLD}
`.trim()

type Parts = { desk: DeskService; authenticator: Authenticator; hub: Hub; live: Live; log: Logger }

/** The socket of the Desk API. */
export function deskSocket({ desk, authenticator, hub, live, log }: Parts, config: Config) {
  const watched = new WatchedSessions(hub, live)
  const socket = new Elysia({ name: 'ws/desk' }).use(socketAccess(config, 'desk', authenticator))
  // A statement of its own: what a chain returns would offer the socket to clients as a call.
  socket.get(
    '/ws/:session_id',
    async ({ owner, actor, opening, params: { session_id: id }, request, server, set }) => {
      const caller = { owner, actor }
      const session = { id, ...(await desk.chat(caller, id)) }
      // Bun has answered; this is for the log.
      set.status = 101
      hub.upgrade(request, server, new DeskSocket({ desk, watched, log }, caller, session), opening)
    },
    {
      params: DeskParams,
      response: {
        // Nothing is answered here: what the socket sends is for the documentation.
        101: DeskServerFrame.optional(),
        ...failures(
          ...SIGNED_IN,
          'origin_forbidden',
          'session_missing',
          'invalid',
          'upgrade_required',
          'too_many_sockets',
          'restarting',
          'internal',
        ),
      },
      detail: {
        tags: ['Desk'],
        security: securityOf(config, 'desk'),
        operationId: 'watchDeskSession',
        summary: 'Hear what is said in a session, and say something (WebSocket)',
        description: SOCKET,
      },
    },
  )
  return socket
}

/** A session as it was when the socket came: what is said after `seq` is told. */
type Session = { id: string; chatId: string; seq: number }

/** The desk sessions that are watched in this process. */
class WatchedSessions {
  readonly #topics: ChatTopics
  /** By chat: what the desk calls it, as JSON text, and how many sockets watch it. */
  readonly #sessions = new Map<string, { name: string; sockets: number }>()

  constructor(hub: Hub, live: Live) {
    this.#topics = new ChatTopics({ publisher: hub, live }, { name: 'desk', frame: (event) => this.#frame(event) })
  }

  async join(connection: Connection, { id, chatId, seq }: Session): Promise<void> {
    const session = this.#sessions.get(chatId) ?? { name: JSON.stringify(id), sockets: 0 }
    session.sockets += 1
    this.#sessions.set(chatId, session)
    await this.#topics.join(connection, chatId, seq, {
      // The desk has no frame for a session as a whole: who missed something reads it again.
      started({ recovered }) {
        if (!recovered) connection.end('too_slow')
      },
      failed: () => connection.end('storage_unavailable'),
    })
  }

  leave(connection: Connection, { chatId }: Session): void {
    const session = this.#sessions.get(chatId)
    if (session === undefined) return
    this.#topics.leave(connection, chatId)
    session.sockets -= 1
    if (session.sockets === 0) this.#sessions.delete(chatId)
  }

  /** `DeskServerFrame`, put together from texts. */
  #frame({ text }: TailEvent): string | undefined {
    const { chatId = '', said } = saidIn(text) ?? {}
    const session = this.#sessions.get(chatId)
    return session && `{"session_id":${session.name},"message":${JSON.stringify(said)}}`
  }
}

/** One client of a desk session: it speaks `DeskFrame` and hears `DeskServerFrame`. */
class DeskSocket implements Dialect {
  readonly #parts: { desk: DeskService; watched: WatchedSessions; log: Logger }
  readonly #caller: DeskCaller
  readonly #session: Session
  #joined = false

  constructor(
    parts: { desk: DeskService; watched: WatchedSessions; log: Logger },
    caller: DeskCaller,
    session: Session,
  ) {
    this.#parts = parts
    this.#caller = caller
    this.#session = session
  }

  async open(connection: Connection): Promise<void> {
    this.#joined = true
    await this.#parts.watched.join(connection, this.#session)
  }

  async frame(connection: Connection, text: string | undefined): Promise<void> {
    if (text === undefined) return refuse(connection, `A frame is text of at most ${FRAME_MAX} bytes.`)
    const parsed = parseJson(DeskFrame, text)
    if (!parsed.ok) return refuse(connection, parsed.issues.map(told).join(' '))
    try {
      // The message comes back to its sender by the log, like to everyone else.
      await this.#parts.desk.post(this.#caller, this.#session.id, parsed.value)
    } catch (fault) {
      const reason = fault instanceof Refusal ? fault.reason : 'internal'
      if (FAILURES[reason].status >= 500) this.#tell(fault)
      refuse(connection, FAILURES[reason].detail)
    }
  }

  failed(connection: Connection, error: unknown): void {
    this.#tell(error)
    const isAway = error instanceof Refusal && error.reason === 'storage_unavailable'
    connection.end(isAway ? 'storage_unavailable' : 'internal')
  }

  closed(connection: Connection): void {
    if (this.#joined) this.#parts.watched.leave(connection, this.#session)
  }

  #tell(fault: unknown): void {
    const err = fault instanceof Refusal ? (fault.cause ?? fault) : fault
    this.#parts.log.error({ err, chat_id: this.#session.chatId }, 'desk socket failed')
  }
}

function told({ loc, msg }: Issue): string {
  return loc.length === 0 ? msg : `${loc.join('.')}: ${msg}`
}

function refuse(connection: Connection, error: string): void {
  const frame: ServerFrame = { error }
  connection.send(JSON.stringify(frame))
}
