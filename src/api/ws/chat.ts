import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { ChatSocketServerFrame } from '../../contract/chat-socket.ts'
import { FAILURES, failures } from '../../contract/failures.ts'
import { Id } from '../../contract/text.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { isPassing } from '../../domain/chats/doors.ts'
import { Refusal } from '../../domain/refusal.ts'
import { CLOSE_CODES_TOLD } from '../docs/close-codes.ts'
import { callerAddress } from '../plugins/caller-address.ts'
import { presentedBySocket } from '../plugins/presented.ts'
import { revealing } from '../plugins/revealing.ts'
import { SECURITY, SIGNED_IN } from '../plugins/signed-in.ts'
import { ChatSocket, chatSocketParts, Turned } from './chat-socket.ts'

const SOCKET = `
Open this address as a WebSocket (\`ws:\` or \`wss:\`), with the access token as \`?token=\`. The server sends
\`ChatSocketServerFrame\`: what is said in the chat's answers from then on, as \`chunk\`, and the end of each as \`complete\`,
whichever instance makes them. An answer that was stopped, or has failed, ends the same way; what it says last is in its
chunks. The client sends \`ChatSocketFrame\`, at most 64 KiB each, which are handled in the order in which they came:

- \`ping\` is answered with \`pong\`;
- \`stream_request\` with \`stream_content\`, all that a message says so far. The chunks that follow go on exactly where that
  ends. Where the message has ended already, \`complete\` follows at once.

One that is not taken is answered with an \`error\`, and the socket stays open. A client that sends nothing for 300 seconds
(\`CHAT_SOCKET_SILENT_SECONDS\`) gets \`timeout\`, and the socket is closed. After a lost connection, open it again and send
\`stream_request\` for what was being written.

Who may not open the chat, or shows no good token, is closed with 1008.

${CLOSE_CODES_TOLD}
`.trim()

type Parts = Parameters<typeof chatSocketParts>[0] & { authenticator: Authenticator }

/** The socket of the Chats API: the answers of one chat. */
export function chatSocket({ authenticator, ...given }: Parts, { trustProxy, sockets }: Config) {
  const parts = chatSocketParts(given, sockets.silentSeconds * 1000)
  const { hub, chats } = parts
  const open = async (request: Request, chatId: string) => {
    const identity = await authenticator.identify(presentedBySocket(request))
    const id = Id.safeParse(chatId).data
    if (id === undefined) throw new Refusal('chat_missing')
    const doors = await chats.access.open(identity.actor, id)
    // Agents come and go; this socket has no word for that.
    if (isPassing(identity.actor, doors)) throw new Refusal('chat_missing', { hides: 'forbidden' })
    const seq = await chats.log.newest(id)
    if (seq === undefined) throw new Refusal('chat_missing')
    return { identity, chat: { id, seq } }
  }
  const socket = new Elysia({ name: 'ws/chat' }).use(revealing('forbidden'))
  // A statement of its own: what a chain returns would offer the socket to clients as a call.
  socket.get(
    '/ws/chat/:chat_id',
    async ({ params, request, server, set }) => {
      const address = callerAddress(request, server, trustProxy)
      try {
        const { identity, chat } = await open(request, params.chat_id)
        set.status = 101
        hub.upgrade(request, server, new ChatSocket(parts, identity.actor, chat), { identity, address })
      } catch (fault) {
        if (!(isUpgrade(request) && isTurnedAway(fault))) throw fault
        // Its clients know of a close code, and nothing of a request that is refused.
        hub.upgrade(request, server, new Turned(), { address })
        // Bun has answered; this is for the log.
        set.status = 101
      }
    },
    {
      params: z.object({ chat_id: z.string() }),
      response: {
        // Nothing is answered here: what the socket sends is for the documentation.
        101: ChatSocketServerFrame.optional(),
        ...failures(
          ...SIGNED_IN,
          'account_missing',
          'chat_missing',
          'forbidden',
          'origin_forbidden',
          'upgrade_required',
          'too_many_sockets',
          'restarting',
          'internal',
        ),
      },
      detail: {
        tags: ['Chats'],
        security: SECURITY,
        operationId: 'watchAnswers',
        summary: "Watch a chat's answers as they are made (WebSocket)",
        description: SOCKET,
      },
    },
  )
  return socket
}

function isUpgrade({ headers }: Request): boolean {
  return headers.get('upgrade')?.toLowerCase() === 'websocket'
}

/** Whether it is the caller who may not, or the chat that is not there. */
function isTurnedAway(fault: unknown): boolean {
  return fault instanceof Refusal && [401, 403, 404].includes(FAILURES[fault.reason].status)
}
