import { Elysia } from 'elysia'
import type { Config } from '../../config.ts'
import { Chat } from '../../contract/chats.ts'
import { failures } from '../../contract/failures.ts'
import { SessionParams, SessionPromotion } from '../../contract/sessions.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { SessionPromoter } from '../../domain/sessions/promotion.ts'
import { ownerIn } from '../plugins/access.ts'
import { optionalJsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const PROMOTION = `
The chat belongs to the account of the token and has the session's messages, with their ids, order and times. Those of a
\`user\` are the account's where the session was its own; where the API is public, nobody knows who said them.

Whoever watches the session is told by \`session.promoted\`. From then on the session is read as before until it expires, and
whatever would change it is refused with \`session_promoted\`: a post is either in the chat or refused.

Calling again, also at the same moment, answers 200 with the same chat until the session expires. After a 503 the session may
take no posts until it is called again.
`.trim()

/** A session becomes a chat. A token is always wanted: the chat is somebody's. */
export function promotionRoutes(promoter: SessionPromoter, authenticator: Authenticator, config: Config) {
  return new Elysia({ name: 'rest/session-promotion', prefix: '/v1/chat/sessions', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .post(
      '/:session_id/promote',
      async ({ actor, params: { session_id }, body = {}, status }) => {
        const session = { owner: ownerIn('sessions', config, actor), id: session_id }
        const { chat, isNew } = await promoter.promote(actor, session, body)
        return isNew ? status(201, chat) : status(200, chat)
      },
      {
        params: SessionParams,
        parse: optionalJsonBody,
        body: SessionPromotion.optional(),
        response: {
          200: Chat.meta({ description: 'The chat, which the account had made of the session before.' }),
          201: Chat,
          ...failures(
            ...SIGNED_IN,
            'account_needed',
            'session_empty',
            'chat_missing',
            'session_promoted',
            'session_unreadable',
            'message_exists',
            'body_too_large',
            'not_json',
            'invalid',
            'overloaded',
            'internal',
          ),
        },
        detail: {
          tags: ['Sessions'],
          operationId: 'promoteSession',
          summary: 'Make a chat of a session',
          description: PROMOTION,
        },
      },
    )
}
