import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { failures } from '../../contract/failures.ts'
import { LiveEventBatch, LiveServerFrame, WATCHES_MAX } from '../../contract/live.ts'
import { Refusal } from '../../domain/refusal.ts'
import { CLOSE_CODES_TOLD } from '../docs/close-codes.ts'
import { callerAddress } from '../plugins/caller-address.ts'
import { presentedInHeaders } from '../plugins/presented.ts'
import { PARTICIPATING, VISITOR_SECURITY } from '../plugins/signed-in.ts'
import { type LiveParts, LiveSocket } from './live-socket.ts'

const SOCKET = `
One connection for all chats of an account, and for a visitor's of support. Open this address as a WebSocket (\`ws:\` or \`wss:\`). The client sends
\`LiveClientFrame\`, at most 64 KiB each, the server \`LiveServerFrame\`. Every client frame has an \`id\` of the client's own,
and is answered by one frame with that \`id\`: \`ack\`, \`authenticated\`, \`watching\`, or \`refused\` with the same reasons as the
HTTP API. The frames of one socket are handled in the order in which they came.

**Sign in** by \`Authorization: Bearer\`, by \`Sec-WebSocket-Protocol: bearer, <token>\` (the one header that a page can set),
or with \`authenticate\` as the first frame, within 10 seconds. A query never carries the token. \`authenticated\` tells when
the token expires: send \`authenticate\` with a new one before that, and the socket goes on. Once the token has expired or was
revoked, the socket is closed with 4401.

**Watch** a chat with the last \`seq\` that you have seen. The answer is \`watching\`; then comes every change of the chat as a
\`ChatEvent\`, by \`seq\`, none missing and none twice, whichever instance it was made on. After a lost connection, watch again
with your last \`seq\`: you are told what you missed (\`recovered: true\`). Where that is too much or forgotten already, and for
a new reader, \`recovered\` is false and \`snapshot\` has the chat as it is at \`seq\`. The server may send such a \`watching\`, with
the \`id\` null, at any time: replace what you know of the chat.

With \`batches\` in the \`watch\`, changes that come about together come in one frame, as a JSON array of their events: in a
chat where many write, that is a fraction of the frames.

\`typing\` and \`presence\` are told as they happen and kept nowhere. One socket watches at most ${WATCHES_MAX} chats.

Before it closes the socket by plan, the server says \`bye\` with the code and whether to come back.

${CLOSE_CODES_TOLD}
`.trim()

/** The native live socket. */
export function liveSocket(parts: LiveParts, { trustProxy }: Config) {
  const socket = new Elysia({ name: 'ws/live' })
  // A statement of its own: what a chain returns would offer the socket to clients as a call.
  socket.get(
    '/api/live',
    async ({ request, server, set }) => {
      const presented = presentedInHeaders(request)
      const shown = presented.token !== null || presented.apiKey !== null
      if (!shown && presented.onBehalfOf !== null) throw new Refusal('unauthenticated')
      const identity = shown ? await parts.authenticator.identifyAny(presented) : undefined
      // Bun has answered; this is for the log.
      set.status = 101
      const address = callerAddress(request, server, trustProxy)
      parts.hub.upgrade(request, server, new LiveSocket(parts, identity), { identity, address })
    },
    {
      response: {
        // Nothing is answered here: what the socket sends is for the documentation.
        101: z.union([LiveServerFrame, LiveEventBatch]).optional(),
        ...failures(
          ...PARTICIPATING,
          'account_missing',
          'forbidden',
          'origin_forbidden',
          'upgrade_required',
          'too_many_sockets',
          'restarting',
          'internal',
        ),
      },
      detail: {
        tags: ['Live'],
        security: VISITOR_SECURITY,
        operationId: 'live',
        summary: 'Watch chats, post, and be told of every change (WebSocket)',
        description: SOCKET,
      },
    },
  )
  return socket
}
