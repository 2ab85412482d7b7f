import { Elysia } from 'elysia'
import { ChatParams } from '../../contract/chat-calls.ts'
import { failures } from '../../contract/failures.ts'
import { HandOverRule, SupportSession } from '../../contract/support.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { SupportHandOver } from '../../domain/support/hand-over.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Chats']
const always = [...SIGNED_IN, 'chat_missing', 'invalid', 'internal'] as const

/** Any chat may become a support session. */
export function chatSupportRoutes(handOver: SupportHandOver, authenticator: Authenticator) {
  return new Elysia({
    name: 'rest/chat-support',
    prefix: '/api/chats/:chat_id',
    detail: { security: SECURITY },
  })
    .use(signedIn(authenticator))
    .post('/hand-over', ({ actor, params }) => handOver.handOverChat(actor, params.chat_id), {
      params: ChatParams,
      response: {
        200: SupportSession,
        ...failures(...always, 'session_ended', 'not_assigned', 'answer_running'),
      },
      detail: {
        tags,
        operationId: 'handOverChat',
        summary: 'Ask for a person in place of the AI',
        description:
          'The chat is a support session from then on, of its owner, and waits in the queue. What the AI is saying is stopped and kept, and it says nothing more until a person gives the session back. Again: the same.',
      },
    })
    .put('/hand-over', ({ actor, params, body }) => handOver.allow(actor, params.chat_id, body.on_failure), {
      params: ChatParams,
      parse: jsonBody,
      body: HandOverRule,
      response: { 200: SupportSession, ...failures(...always, 'forbidden', 'body_too_large', 'not_json') },
      detail: {
        tags,
        operationId: 'allowHandOver',
        summary: 'Say whether an answer that fails asks for a person',
        description: 'The chat is a support session from then on, which the AI answers.',
      },
    })
}
